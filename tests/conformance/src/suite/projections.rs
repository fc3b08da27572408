//! Projections: only the columns that were asked for, in every way that whole rows come.

use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use storehouse::{Projection, RowLock, Table, Tabular};
use storehouse_runtime::{Error, Store};

use super::tables::{Line, Product, line, product};
use crate::{
    behaviour::Outcome,
    expect::{is_refused, set_up},
};

#[derive(Projection, Debug, PartialEq)]
#[table(of = Product)]
struct Card {
    sku: String,
    #[table(column = price)]
    costs: f64,
    note: Option<String>,
}

async fn products(store: &Store) -> Result<Tabular<Product>, Error> {
    let products = set_up::<Product>(store).await?;
    let given = [("b", "x", 2.0), ("a", "y", 1.0), ("d", "x", 4.0), ("c", "y", 3.0)];
    products.put_bulk(given.map(|(sku, category, price)| product(sku, category, price))).await?;
    Ok(products)
}

fn skus(skus: &str) -> Vec<String> {
    skus.split(' ').map(str::to_owned).collect()
}

pub(crate) async fn give_one_column_or_a_tuple_or_a_struct(store: &Store) -> Outcome {
    let products = products(store).await?;
    let cheap = || products.query(Product::PRICE.lt(3.0)).order_by(Product::PRICE.asc());
    assert_eq!(cheap().select(Product::SKU).await?, ["a", "b"]);
    assert_eq!(
        cheap().select((Product::PRICE, Product::SKU)).await?,
        [(1.0, "a".into()), (2.0, "b".into())]
    );
    assert_eq!(cheap().select((Product::NOTE,)).await?, [(None,), (None,)]);
    let card = |sku: &str, costs| Card { sku: sku.into(), costs, note: None };
    assert_eq!(cheap().select_as::<Card>().await?, [card("a", 1.0), card("b", 2.0)]);
    assert_eq!(cheap().select_as::<Card>().first().await?, Some(card("a", 1.0)));
    let none = products.query(Product::PRICE.gt(100.0));
    assert_eq!(none.select(Product::SKU).first().await?, None);
    Ok(())
}

pub(crate) async fn are_ordered_by_columns_that_are_not_among_them(store: &Store) -> Outcome {
    let products = products(store).await?;
    let by_price = products.get_all().order_by(Product::PRICE.desc()).select(Product::SKU);
    assert_eq!(by_price.await?, skus("d c b a"));
    let by_key = products.get_all().select(Product::SKU);
    assert_eq!(by_key.await?, skus("b a d c"));
    let by_both = products.get_all().select(Product::SKU);
    let by_both = by_both.order_by(Product::CATEGORY.asc()).order_by(Product::SKU.desc());
    assert_eq!(by_both.filter(Product::PRICE.gt(1.0)).await?, skus("d b c"));
    Ok(())
}

pub(crate) async fn come_in_parts(store: &Store) -> Outcome {
    let products = products(store).await?;
    let ordered = || products.get_all().order_by(Product::SKU.asc()).select(Product::SKU);
    assert_eq!(ordered().limit(2).await?, skus("a b"));
    assert_eq!(ordered().offset(3).await?, skus("d"));
    assert_eq!(ordered().limit(1).offset(1).await?, skus("b"));
    assert_eq!(ordered().limit(0).await?, Vec::<String>::new());
    Ok(())
}

pub(crate) async fn come_in_pages_and_streams(store: &Store) -> Outcome {
    let products = products(store).await?;
    products.put(Product { note: Some("n".into()), id: 9, ..of(&product("e", "z", 0.5)) }).await?;
    // The ordering is by columns that are not selected, one of which is NULL.
    let ordered = || products.get_all().order_by(Product::NOTE.desc()).select(Product::SKU);
    let mut pages = Vec::new();
    let mut page = ordered().limit(2).page().await?;
    loop {
        pages.push(page.rows.clone());
        let Some(next) = page.next else { break };
        page = ordered().limit(2).after(&next).page().await?;
    }
    assert_eq!(pages, [skus("e c"), skus("d a"), skus("b")]);
    assert_eq!(ordered().records(2).try_collect::<Vec<_>>().await?, skus("e c d a b"));
    let pages: Vec<Vec<String>> = ordered().limit(3).pages(2).try_collect().await?;
    assert_eq!(pages, [skus("e c"), skus("d")]);
    // A cursor belongs to an ordering, not to what is selected.
    let next = ordered().limit(4).page().await?.next.expect("there is one more");
    let rest = products.get_all().order_by(Product::NOTE.desc()).after(&next).await?;
    assert_eq!(rest.len(), 1);
    is_refused("at least one row", ordered().records(0).try_collect::<Vec<_>>().await);
    assert!(ordered().limit(0).page().await?.next.is_none());
    Ok(())
}

fn of(insert: &super::tables::ProductInsert) -> Product {
    Product {
        id: 0,
        sku: insert.sku.clone(),
        category: insert.category.clone(),
        price: insert.price,
        note: None,
    }
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Shape {
    sides: u8,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Drawing {
    #[table(key)]
    id: i64,
    #[table(json)]
    shape: Shape,
    #[table(json)]
    hole: Option<Shape>,
    tags: Vec<String>,
    #[table(vector(dim = 2))]
    place: Vec<f32>,
    raw: serde_json::Value,
}

#[derive(Projection, Debug, PartialEq)]
#[table(of = Drawing)]
struct Outline {
    place: Vec<f32>,
    hole: Option<Shape>,
    shape: Shape,
}

pub(crate) async fn decode_every_kind_of_column(store: &Store) -> Outcome {
    let drawings = set_up::<Drawing>(store).await?;
    let square = Drawing {
        id: 1,
        shape: Shape { sides: 4 },
        hole: None,
        tags: vec!["a".into()],
        place: vec![0.5, -1.0],
        raw: serde_json::json!({"a": [1, null]}),
    };
    let holed = Drawing { id: 2, hole: Some(Shape { sides: 3 }), ..square.clone() };
    drawings.put_bulk([square.clone(), holed]).await?;
    let shapes = drawings.get_all().select((Drawing::HOLE, Drawing::SHAPE)).await?;
    assert_eq!(
        shapes,
        [(None, Shape { sides: 4 }), (Some(Shape { sides: 3 }), Shape { sides: 4 })]
    );
    let lists = drawings.get_all().select((Drawing::PLACE, Drawing::RAW, Drawing::TAGS));
    assert_eq!(lists.first().await?, Some((square.place, square.raw, square.tags)));
    let outlines = drawings.get_all().select_as::<Outline>().await?;
    assert_eq!(outlines[1].hole, Some(Shape { sides: 3 }));
    assert_eq!(outlines[0].place, [0.5, -1.0]);
    Ok(())
}

/// A column may be asked for twice, and twelve at once.
pub(crate) async fn can_be_wide_and_repeat_themselves(store: &Store) -> Outcome {
    let products = products(store).await?;
    let (id, sku) = (Product::ID, Product::SKU);
    let wide = products.query(Product::SKU.eq("a"));
    let wide = wide.select((id, sku, id, sku, id, sku, id, sku, id, sku, id, sku)).await?;
    assert_eq!(wide.len(), 1);
    assert_eq!((&*wide[0].1, &*wide[0].11, wide[0].0), ("a", "a", wide[0].10));
    Ok(())
}

pub(crate) async fn can_lock_their_rows(store: &Store) -> Outcome {
    let products = products(store).await?;
    let locked = store
        .transaction(async |tx| {
            let products = products.in_tx(tx);
            let query = products.query(Product::CATEGORY.eq("x")).order_by(Product::SKU.asc());
            query.select(Product::SKU).lock(RowLock::for_update()).await
        })
        .await?;
    assert_eq!(locked, skus("b d"));
    Ok(())
}

pub(crate) async fn distinct_gives_each_value_once_in_order(store: &Store) -> Outcome {
    let products = products(store).await?;
    let categories = || products.get_all().select(Product::CATEGORY).distinct();
    assert_eq!(categories().await?, ["x", "y"]);
    assert_eq!(categories().order_by(Product::CATEGORY.desc()).await?, ["y", "x"]);
    assert_eq!(categories().offset(1).await?, ["y"]);
    assert_eq!(categories().filter(Product::PRICE.gt(3.5)).await?, ["x"]);
    assert_eq!(categories().limit(0).await?, Vec::<String>::new());
    assert_eq!(categories().first().await?.as_deref(), Some("x"));
    let before = products.get_all().order_by(Product::CATEGORY.desc()).limit(1);
    assert_eq!(before.select(Product::CATEGORY).distinct().await?, ["y"]);
    let pairs = products.get_all().select((Product::CATEGORY, Product::NOTE)).distinct().await?;
    assert_eq!(pairs, [("x".into(), None), ("y".into(), None)]);
    // The order of what is no more there is nobody's.
    is_refused("`price` does not tell", categories().order_by(Product::PRICE.asc()).await);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Odd {
    #[table(key)]
    id: i64,
    number: Option<f64>,
    text: String,
}

pub(crate) async fn distinct_takes_null_and_zero_for_one_value_each(store: &Store) -> Outcome {
    let odds = set_up::<Odd>(store).await?;
    let numbers = [Some(-0.0), None, Some(0.0), Some(-1.0), None];
    let texts = ["É", "é", "E", "e", "É"];
    let rows = (0..).zip(numbers).zip(texts);
    odds.put_bulk(rows.map(|((id, number), text)| Odd { id, number, text: text.into() })).await?;
    let numbers = odds.get_all().select(Odd::NUMBER).distinct().await?;
    assert_eq!(numbers, [None, Some(-1.0), Some(0.0)]);
    // One zero stands for both, and it is always the same.
    assert!(numbers[2].is_some_and(f64::is_sign_positive));
    let texts = odds.get_all().select(Odd::TEXT).distinct().await?;
    assert_eq!(texts, ["E", "e", "É", "é"]);
    let both = odds.get_all().select((Odd::NUMBER, Odd::TEXT)).distinct();
    assert_eq!(both.order_by(Odd::TEXT.desc()).await?.len(), 5);
    Ok(())
}

pub(crate) async fn of_a_compound_key_page_by_all_of_it(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    let rows = [line("A", 1, 5), line("A", 2, 5), line("B", 1, 4), line("B", 2, 5)];
    lines.put_bulk(rows).await?;
    let query = lines.get_all().order_by(Line::AMOUNT.desc()).select(Line::NUMBER);
    assert_eq!(query.records(1).try_collect::<Vec<_>>().await?, [2, 2, 1, 1]);
    Ok(())
}

pub(crate) async fn read_only_their_columns_where_there_is_sql(store: &Store) -> Outcome {
    let products = products(store).await?;
    let query = products.get_all().order_by(Product::PRICE.asc()).select(Product::SKU);
    if !store.capabilities().sql {
        assert!(matches!(query.to_sql(), Err(Error::Unsupported { .. })));
        return Ok(());
    }
    let sql = query.to_sql()?.sql;
    let selected = sql.split(" FROM ").next().unwrap_or_default();
    assert!(selected.contains("sku") && !selected.contains("price"), "{sql}");
    let distinct = products.get_all().select(Product::SKU).distinct().to_sql()?.sql;
    assert!(!distinct.contains("price"), "{distinct}");
    assert!(!query.explain().await?.is_empty());
    Ok(())
}
