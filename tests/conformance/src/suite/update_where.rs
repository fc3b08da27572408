//! Updates of every row that matches a filter.

use storehouse::prelude::{Set, increment};
use storehouse_runtime::{Filter, Store};

use super::{
    increments::{Counter, CounterPatch, counter},
    tables::{Product, ProductPatch, product_with_id},
};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, is_refused, set_up},
};

fn noted(id: i64, category: &str, note: Option<&str>) -> Product {
    Product {
        category: category.into(),
        note: note.map(str::to_owned),
        ..product_with_id(id, &format!("A{id}"))
    }
}

pub(crate) async fn changes_what_matches_and_counts_it(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let others = [noted(3, "toys", Some("old")), noted(4, "tools", None)];
    products.put_bulk([noted(1, "tools", Some("a")), noted(2, "tools", Some("b"))]).await?;
    products.put_bulk(others.clone()).await?;
    let filter = Product::CATEGORY.eq("tools") & Product::NOTE.ne("c");
    let patch = ProductPatch { price: increment(0.5), note: Set(None), ..ProductPatch::default() };
    assert_eq!(products.update_where(filter.clone(), patch.clone()).await?, 2);
    let changed = |id| Product { price: 1.5, ..noted(id, "tools", None) };
    let [third, fourth] = others;
    assert_eq!(products.get_all().await?, [changed(1), changed(2), third, fourth]);
    // Nothing matches any more: NULL is neither equal nor different.
    assert_eq!(products.update_where(filter, patch).await?, 0);
    Ok(())
}

pub(crate) async fn without_a_condition_changes_every_row(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put_bulk((1..=5).map(|id| product_with_id(id, &id.to_string()))).await?;
    let patch = ProductPatch { category: Set("all".into()), ..ProductPatch::default() };
    assert_eq!(products.update_where(Filter::all(), patch.clone()).await?, 5);
    assert_eq!(products.count(Product::CATEGORY.eq("all")).await?, 5);
    assert_eq!(products.update_where(Filter::none(), patch).await?, 0);
    Ok(())
}

pub(crate) async fn that_names_nothing_only_counts(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put_bulk([noted(1, "tools", None), noted(2, "toys", None)]).await?;
    let nothing = ProductPatch::default();
    assert_eq!(products.update_where(Product::CATEGORY.eq("toys"), nothing).await?, 1);
    Ok(())
}

pub(crate) async fn is_all_or_nothing(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let rows: Vec<Counter> = (1..=9)
        .map(|id| Counter { narrow: if id == 7 { 255 } else { 1 }, ..counter(id) })
        .collect();
    counters.put_bulk(rows.clone()).await?;
    let patch = CounterPatch { narrow: increment(1), wide: Set(5), ..CounterPatch::default() };
    is_refused("range", counters.update_where(Filter::all(), patch.clone()).await);
    assert_eq!(counters.get_all().await?, rows);
    assert_eq!(counters.update_where(Counter::NARROW.lt(255), patch).await?, 8);
    Ok(())
}

pub(crate) async fn to_one_unique_value_is_a_conflict(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let rows = [noted(1, "tools", None), noted(2, "tools", None), noted(3, "toys", None)];
    products.put_bulk(rows.clone()).await?;
    let patch = |sku: &str| ProductPatch { sku: Set(sku.into()), ..ProductPatch::default() };
    let tools = || Product::CATEGORY.eq("tools");
    conflicts(&["sku"], products.update_where(tools(), patch("new")).await);
    conflicts(&["sku"], products.update_where(tools(), patch("A3")).await);
    conflicts(&["sku"], products.update_where(tools(), patch("A2")).await);
    assert_eq!(products.get_all().await?, rows);
    // One row can have it, and its own value is no change.
    assert_eq!(products.update_where(Product::ID.eq(1), patch("A1")).await?, 1);
    assert_eq!(products.update_where(Product::ID.eq(1), patch("new")).await?, 1);
    Ok(())
}

pub(crate) async fn keeps_indexes_right(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put_bulk((1..=6).map(|id| noted(id, "tools", None))).await?;
    let moved = ProductPatch { category: Set("moved".into()), ..ProductPatch::default() };
    assert_eq!(products.update_where(Product::ID.gt(4), moved).await?, 2);
    let found = products.query(Product::CATEGORY.eq("moved")).await?;
    assert_eq!(found.iter().map(|row| row.id).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(products.count(Product::CATEGORY.eq("tools")).await?, 4);
    Ok(())
}
