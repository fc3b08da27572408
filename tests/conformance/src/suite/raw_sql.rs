//! SQL of the program's own, as far as every database that speaks SQL has it: without placeholders,
//! which differ, the simplest of statements.

use storehouse::{AssertTrusted, Projection};
use storehouse_runtime::{Error, Store};

use super::tables::{Product, product};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, fails, is_refused, set_up},
};

#[derive(Projection, Debug, PartialEq)]
#[table(of = Product)]
struct Card {
    price: f64,
    sku: String,
}

pub(crate) async fn is_where_the_backend_says(store: &Store) -> Outcome {
    set_up::<Product>(store).await?;
    let counted = store.raw_sql("SELECT count(*) FROM products").fetch::<(i64,)>().await;
    let executed = store.raw_sql("DELETE FROM products").execute().await;
    if store.capabilities().sql {
        assert_eq!((counted?, executed?), (vec![(0,)], 0));
        return Ok(());
    }
    for error in [fails("Unsupported", counted), fails("Unsupported", executed)] {
        let Error::Unsupported { operation, backend, .. } = error else { unreachable!() };
        assert_eq!((&*operation, &*backend), ("raw_sql", store.backend()));
    }
    Ok(())
}

pub(crate) async fn gives_tuples_tables_and_projections(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put_bulk([product("a", "x", 1.5), product("b", "y", 2.5)]).await?;
    let pairs = store.raw_sql("SELECT sku, price FROM products ORDER BY price DESC");
    assert_eq!(pairs.fetch::<(String, f64)>().await?, [("b".into(), 2.5), ("a".into(), 1.5)]);
    // By name, in whatever order, and whatever else there is.
    let rows = "SELECT note, 'more' AS more, price, sku, category, id FROM products ORDER BY sku";
    assert_eq!(store.raw_sql(rows).fetch::<Product>().await?, products.get_all().await?);
    let card = Card { price: 1.5, sku: "a".into() };
    assert_eq!(store.raw_sql(rows).first::<Card>().await?, Some(card));
    let note = store.raw_sql("SELECT note FROM products").first::<(Option<String>,)>().await?;
    assert_eq!(note, Some((None,)));
    let nothing = AssertTrusted(format!("SELECT sku FROM products WHERE price > {}", 100));
    assert_eq!(store.raw_sql(nothing).first::<(String,)>().await?, None);
    Ok(())
}

pub(crate) async fn says_which_columns_are_missing(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product("a", "x", 1.5)).await?;
    let two = || store.raw_sql("SELECT sku, price FROM products");
    is_refused("no column `id`", two().fetch::<Product>().await);
    is_refused("2 columns, and a tuple of 1", two().fetch::<(String,)>().await);
    let twice = store.raw_sql("SELECT sku, price, price FROM products");
    is_refused("two columns called `price`", twice.fetch::<Card>().await);
    let error = fails("Decode", two().fetch::<(String, i64)>().await);
    let Error::Decode { column, .. } = error else { unreachable!() };
    assert_eq!(column, "price");
    let swapped = store.raw_sql("SELECT sku AS price, sku FROM products").fetch::<Card>().await;
    let Error::Decode { column, .. } = fails("Decode", swapped) else { unreachable!() };
    assert_eq!(column, "price");
    Ok(())
}

pub(crate) async fn counts_the_rows_that_it_changed(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put_bulk([product("a", "x", 1.0), product("b", "y", 2.0)]).await?;
    let raise = "UPDATE products SET price = price + 1";
    assert_eq!(store.raw_sql(raise).execute().await?, 2);
    assert_eq!(store.raw_sql("SELECT sku FROM products").execute().await?, 0);
    assert_eq!(store.raw_sql("CREATE TABLE more (id INTEGER)").execute().await?, 0);
    assert_eq!(store.raw_sql("DELETE FROM products WHERE sku = 'a'").execute().await?, 1);
    assert_eq!(store.raw_sql("DELETE FROM products WHERE sku = 'a'").execute().await?, 0);
    let back = store.raw_sql("UPDATE products SET price = 9 RETURNING sku, price");
    assert_eq!(back.fetch::<(String, f64)>().await?, [("b".into(), 9.0)]);
    assert_eq!(products.get_all().select(Product::PRICE).await?, [9.0]);
    Ok(())
}

pub(crate) async fn tells_errors_apart_as_typed_operations_do(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put_bulk([product("a", "x", 1.0), product("b", "y", 2.0)]).await?;
    conflicts(&["sku"], store.raw_sql("UPDATE products SET sku = 'a'").execute().await);
    let null = store.raw_sql("UPDATE products SET sku = NULL").execute().await;
    is_refused("column `sku` cannot be NULL", null);
    fails("Schema", store.raw_sql("SELECT * FROM nowhere").fetch::<(i64,)>().await);
    fails("Validation", store.raw_sql("SELEKT 1").fetch::<(i64,)>().await);
    fails("Validation", store.raw_sql("SELECT nothing FROM products").fetch::<(i64,)>().await);
    fails("Validation", store.raw_sql("SELECT 1; SELECT 2").fetch::<(i64,)>().await);
    let bound = store.raw_sql("SELECT sku FROM products").bind(1_i64);
    fails("Validation", bound.fetch::<(String,)>().await);
    // Nothing of it was done, and everything still works.
    assert_eq!(products.get_all().select(Product::SKU).await?, ["a", "b"]);
    Ok(())
}

pub(crate) async fn leaves_transactions_to_the_store(store: &Store) -> Outcome {
    for statement in ["BEGIN", " commit", "-- now\nROLLBACK", "SAVEPOINT a"] {
        let statement = AssertTrusted(statement.to_owned());
        is_refused("store.transaction", store.raw_sql(statement).execute().await);
    }
    Ok(())
}

pub(crate) async fn is_a_part_of_its_transaction(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put_bulk([product("a", "x", 1.0), product("b", "y", 2.0)]).await?;
    let rolled_back = store
        .transaction(async |tx| {
            let inside = products.in_tx(tx);
            inside.put(product("c", "z", 3.0)).await?;
            let raised = store.raw_sql("UPDATE products SET price = price * 2").in_tx(tx);
            assert_eq!(raised.execute().await?, 3);
            // One that fails is undone alone.
            let clash = store.raw_sql("UPDATE products SET sku = 'a'").in_tx(tx);
            conflicts(&["sku"], clash.execute().await);
            let prices = store.raw_sql("SELECT price FROM products ORDER BY price").in_tx(tx);
            assert_eq!(prices.fetch::<(f64,)>().await?, [(2.0,), (4.0,), (6.0,)]);
            let unread = store.raw_sql("UPDATE products SET price = 0 RETURNING sku").in_tx(tx);
            fails("Decode", unread.fetch::<(f64,)>().await);
            assert_eq!(inside.get_all().select(Product::PRICE).await?, [2.0, 4.0, 6.0]);
            Err::<(), _>(Error::application("no"))
        })
        .await;
    fails("Application", rolled_back);
    assert_eq!(products.get_all().select(Product::PRICE).await?, [1.0, 2.0]);
    let tx = store.begin().await?;
    store.raw_sql("DELETE FROM products").in_tx(&tx).execute().await?;
    tx.commit().await?;
    assert_eq!(products.size().await?, 0);
    Ok(())
}
