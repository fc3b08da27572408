//! Filters from JSON documents mean what the typed ones mean.

use serde_json::json;
use storehouse::{Filter, FilterTree, Table, Tabular};
use storehouse_runtime::{Error, Store};

use super::tables::{Product, product};
use crate::{
    behaviour::Outcome,
    expect::{is_refused, set_up},
};

async fn products(store: &Store) -> Result<Tabular<Product>, Error> {
    let products = set_up::<Product>(store).await?;
    for (sku, category, price) in
        [("A1", "tools", 5.0), ("A2", "tools", 100.0), ("B1", "books", 100.5), ("it's", "a%b", 0.5)]
    {
        products.put(product(sku, category, price)).await?;
    }
    let noted = products.query(Product::SKU.eq("A2")).first().await?.expect("it was put");
    products.put(Product { note: Some("on sale".into()), ..noted }).await?;
    Ok(products)
}

async fn skus(products: &Tabular<Product>, filter: Filter<Product>) -> Result<Vec<String>, Error> {
    let rows = products.query(filter).order_by(Product::SKU.asc()).await?;
    Ok(rows.into_iter().map(|row| row.sku).collect())
}

pub(crate) async fn mean_what_typed_filters_mean(store: &Store) -> Outcome {
    let products = products(store).await?;
    for (document, expected) in [
        (json!({}), &["A1", "A2", "B1", "it's"][..]),
        (json!({"category": "tools"}), &["A1", "A2"]),
        (json!({"category": "tools", "price": {"value": 100, "operator": "<"}}), &["A1"]),
        (json!({"price": {"value": 100, "operator": "<="}}), &["A1", "A2", "it's"]),
        (json!({"price": {"gte": 100}}), &["A2", "B1"]),
        (
            json!({"price": [{"operator": ">", "value": 1}, {"operator": "<", "value": 100.25}]}),
            &["A1", "A2"],
        ),
        (json!({"price": {"between": [5, 100]}}), &["A1", "A2"]),
        (json!({"sku": ["A1", "it's", "none"]}), &["A1", "it's"]),
        (json!({"sku": []}), &[]),
        (json!({"sku": {"not in": ["A1"]}}), &["A2", "B1", "it's"]),
        (json!({"note": null}), &["A1", "B1", "it's"]),
        (json!({"note": {"operator": "is not null"}}), &["A2"]),
        (json!({"note": {"!=": "other"}}), &["A2"]),
        (json!({"category": {"like": r"a\%_"}}), &["it's"]),
        (json!({"category": {"starts with": "a%"}}), &["it's"]),
        (json!({"category": {"contains": "oo"}}), &["A1", "A2", "B1"]),
        (json!({"$or": [{"category": "books"}, {"price": {"<": 1}}]}), &["B1", "it's"]),
        (json!({"$not": {"category": "tools"}}), &["B1", "it's"]),
        (json!({"$and": [{"category": "tools"}, {"$not": {"note": null}}]}), &["A2"]),
        (json!({"sku": "' OR 1 = 1 --"}), &[]),
    ] {
        let filter = Filter::<Product>::from_json(&document)?;
        assert_eq!(skus(&products, filter.clone()).await?, expected, "{document}");
        let again = Filter::<Product>::from_json(&filter.to_json()?)?;
        assert_eq!(skus(&products, again).await?, expected, "{document}, written and read again");
    }
    let cheap = Filter::from_json(&json!({"price": {"<": 1}}))?;
    assert_eq!(products.delete_search(cheap).await?, 1);
    Ok(())
}

/// An empty document matches every row, and so must not empty a table.
pub(crate) async fn cannot_empty_a_table(store: &Store) -> Outcome {
    let products = products(store).await?;
    for document in [json!({}), json!({"$and": []}), json!({"$not": {"$or": []}})] {
        let filter = Filter::<Product>::from_json(&document)?;
        let refused = products.delete_search(filter).await;
        assert!(matches!(refused, Err(Error::EmptyCriteria { .. })), "{document}: {refused:?}");
    }
    assert_eq!(products.size().await?, 4);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "parts")]
struct Part {
    #[table(key)]
    id: i64,
    data: serde_json::Value,
}

pub(crate) async fn look_inside_of_json(store: &Store) -> Outcome {
    let parts = set_up::<Part>(store).await?;
    let documents = [
        json!({"size": {"width": 3}, "tags": ["a", "b"], "a.b": true}),
        json!({"size": {"width": 3.5}, "tags": [], "a.b": null}),
        json!({"size": {"width": "3"}, "id": 9_007_199_254_740_993_i64}),
        json!({"size": 4, "id": 9_007_199_254_740_992_i64}),
    ];
    parts.put_bulk((0..).zip(documents).map(|(id, data)| Part { id, data })).await?;
    for (document, expected) in [
        (json!({"data.size.width": {">": 2}}), &[0_i64, 1][..]),
        (json!({"data.size.width": {">": 3}}), &[1]),
        (json!({"data.size.width": {"operator": ">=", "value": 3, "as": "integer"}}), &[0]),
        (json!({"data.size.width": "3"}), &[2]),
        (json!({"data.size.width": {"exists": false}}), &[3]),
        (json!({"data.size": 4}), &[3]),
        (json!({"data.tags[1]": "b"}), &[0]),
        (json!({"data.tags[0]": {"starts with": "a"}}), &[0]),
        (json!({"data[\"a.b\"]": true}), &[0]),
        (json!({"data[\"a.b\"]": null}), &[1, 2, 3]),
        (json!({"data.id": 9_007_199_254_740_993_i64}), &[2]),
        (json!({"data.id": [9_007_199_254_740_992_i64, 5]}), &[3]),
        (json!({"data.size.width": [3, 3.5]}), &[0, 1]),
        (json!({"$not": {"data.size.width": [3, 3.5]}}), &[]),
    ] {
        let filter = Filter::<Part>::from_json(&document)?;
        let again = Filter::<Part>::from_json(&filter.to_json()?)?;
        for filter in [filter, again] {
            let rows = parts.query(filter).await?;
            let ids: Vec<i64> = rows.into_iter().map(|part| part.id).collect();
            assert_eq!(ids, expected, "{document}");
        }
    }
    Ok(())
}

pub(crate) async fn that_are_wrong_say_what_to_write(store: &Store) -> Outcome {
    let products = products(store).await?;
    let definition = products.definition();
    let read = |document| FilterTree::from_json(definition, &document);
    is_refused("did you mean `price`?", read(json!({"prize": 1})));
    is_refused("it takes `=`", read(json!({"price": {"like": "x"}})));
    is_refused("did you mean `like`?", read(json!({"sku": {"lke": "x"}})));
    let Err(error) = read(json!({"price": "hunter2"})) else { panic!("it was read") };
    let error = error.to_string();
    assert!(!error.contains("hunter2"), "{error}");
    Ok(())
}
