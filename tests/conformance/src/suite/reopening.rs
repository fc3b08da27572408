//! What outlives the store that wrote it.

use std::collections::BTreeSet;

use storehouse::Table;

use super::{
    customers::{Customer, Note, Order, customer, note},
    tables::{Product, Setting, product, product_with_id, setting},
};
use crate::{
    behaviour::{Database, Outcome},
    expect::{fails, set_up},
};

/// [`Product`] with another column.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "products")]
struct OtherProduct {
    #[table(key, auto)]
    id: i64,
    name: String,
}

pub(crate) async fn finds_every_row_again(database: &Database<'_>) -> Outcome {
    let rows = {
        let store = database.open().await;
        let products = set_up::<Product>(&store).await?;
        products.put_bulk([product("A1", "tools", 0.1), product("é'\"\\", "", -0.0)]).await?
    };
    let store = database.open().await;
    let products = store.tabular::<Product>().await?;
    // Without a set-up, and after one more.
    assert_eq!(products.get_all().await?, rows);
    products.setup_database().await?;
    assert_eq!(products.get_all().await?, rows);
    fails("Conflict", products.insert(product("A1", "tools", 1.0)).await);
    Ok(())
}

/// W-T4: keys go on where they were, also when the rows that had them are gone.
pub(crate) async fn never_generates_a_key_again(database: &Database<'_>) -> Outcome {
    let mut seen = BTreeSet::new();
    for round in 0..4 {
        let store = database.open().await;
        let products = set_up::<Product>(&store).await?;
        let mut last = 0;
        for number in 0..3 {
            let sku = format!("{round}-{number}");
            last = products.put(product(&sku, "tools", 1.0)).await?.id;
            assert!(seen.insert(last), "{last} was given before: {seen:?}");
        }
        products.delete(&last).await?;
        if round == 1 {
            products.put(product_with_id(100, "given")).await?;
            seen.insert(100);
        }
        if round == 2 {
            products.delete_all().await?;
        }
    }
    Ok(())
}

pub(crate) async fn keeps_what_was_committed_and_nothing_else(database: &Database<'_>) -> Outcome {
    {
        let store = database.open().await;
        let settings = set_up::<Setting>(&store).await?;
        store.transaction(async |tx| settings.in_tx(tx).put(setting("committed", 1)).await).await?;
        let open = store.begin().await?;
        settings.in_tx(&open).put(setting("open", 2)).await?;
        // The transaction, its handles and the store go at once.
    }
    let store = database.open().await;
    let settings = set_up::<Setting>(&store).await?;
    assert_eq!(settings.get_all().await?, [setting("committed", 1)]);
    settings.put(setting("more", 3)).await?;
    Ok(())
}

pub(crate) async fn refuses_another_definition(database: &Database<'_>) -> Outcome {
    {
        let store = database.open().await;
        set_up::<Product>(&store).await?.put(product("A1", "tools", 1.0)).await?;
    }
    let store = database.open().await;
    let other = async { store.tabular::<OtherProduct>().await?.setup_database().await };
    let error = fails("Schema", other.await);
    assert!(error.to_string().contains("products"), "{error}");
    drop(store);
    let store = database.open().await;
    assert_eq!(set_up::<Product>(&store).await?.size().await?, 1);
    Ok(())
}

pub(crate) async fn takes_cursors_from_before(database: &Database<'_>) -> Outcome {
    let cursor = {
        let store = database.open().await;
        let settings = set_up::<Setting>(&store).await?;
        settings.put_bulk([setting("a", 1), setting("b", 2), setting("c", 3)]).await?;
        settings.get_all().limit(1).page().await?.next.expect("there are more")
    };
    let store = database.open().await;
    let settings = store.tabular::<Setting>().await?;
    assert_eq!(settings.get_all().after(&cursor).await?, [setting("b", 2), setting("c", 3)]);
    Ok(())
}

/// As [`Note`], but keeping the customer.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "notes")]
struct KeptNote {
    #[table(key)]
    id: i64,
    #[table(references(Customer::id))]
    customer_id: i64,
}

/// As [`Order`], but referring to nothing.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "orders", index(customer_id))]
struct LooseOrder {
    #[table(key)]
    id: i64,
    customer_id: i64,
    contact: Option<String>,
}

/// Another definition of a table is another one also where only its references differ.
pub(crate) async fn refuses_other_references(database: &Database<'_>) -> Outcome {
    {
        let store = database.open().await;
        store.setup_database::<(Customer, Note, LooseOrder)>().await?;
        store.tabular::<Customer>().await?.put(customer(1)).await?;
        store.tabular::<Note>().await?.put(note(1, 1)).await?;
    }
    let store = database.open().await;
    store.setup_database::<(Customer, Note)>().await?;
    let error = fails("Schema", store.tabular::<KeptNote>().await?.setup_database().await);
    assert!(error.to_string().contains("`customer_id`"), "{error}");
    let error = fails("Schema", store.tabular::<Order>().await?.setup_database().await);
    assert!(error.to_string().contains("`customer_id`"), "{error}");
    assert!(store.tabular::<Customer>().await?.delete(&1).await?);
    assert_eq!(store.tabular::<Note>().await?.size().await?, 0);
    Ok(())
}
