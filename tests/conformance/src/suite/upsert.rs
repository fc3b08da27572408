//! Upserts by a unique column: a new row, or a change of the one that has its value.

use std::future::IntoFuture as _;

use futures::future::try_join_all;
use storehouse::{
    Table,
    prelude::{Set, increment},
};
use storehouse_runtime::Store;

use super::{
    increments::{Counter, CounterPatch, counter},
    tables::{Product, ProductPatch, product, product_with_id},
};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, is_refused, set_up},
};

/// Unique over two columns, one of which can be NULL.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "seats", unique(room, number))]
struct Seat {
    #[table(key, auto)]
    id: i64,
    room: String,
    number: Option<i32>,
    guest: Option<String>,
}

fn seat(room: &str, number: impl Into<Option<i32>>, guest: &str) -> Seat {
    Seat { id: 0, room: room.into(), number: number.into(), guest: Some(guest.into()) }
}

/// The seat without its key.
fn new_seat(
    room: &str,
    number: impl Into<Option<i32>>,
    guest: &str,
) -> impl storehouse::Insertable<Seat> {
    let optional = SeatOptional { id: None, number: number.into(), guest: Some(guest.to_owned()) };
    SeatInsert { room: room.into() }.with(optional)
}

pub(crate) async fn stores_a_new_row_and_returns_it(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let saved = products.upsert_by(Product::SKU, product("A1", "tools", 9.5)).await?;
    assert_eq!(saved, Product { price: 9.5, ..product_with_id(saved.id, "A1") });
    let other = products.upsert_by(Product::SKU, product_with_id(70, "A2")).await?;
    assert_eq!(products.get_all().await?, [saved, other]);
    let next = products.put(product("A3", "tools", 1.0)).await?;
    assert!(next.id > 70, "a generated key goes past a given one");
    Ok(())
}

pub(crate) async fn replaces_the_content_and_keeps_the_key(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let noted = Product { note: Some("old".into()), ..product_with_id(5, "A1") };
    products.put(noted).await?;
    let replaced = products.upsert_by(Product::SKU, product("A1", "toys", 2.0)).await?;
    let expected = Product { category: "toys".into(), price: 2.0, ..product_with_id(5, "A1") };
    assert_eq!(replaced, expected);
    // Also when it brings along another one.
    let replaced = products.upsert_by(Product::SKU, product_with_id(9, "A1")).await?;
    assert_eq!(replaced, product_with_id(5, "A1"));
    assert_eq!(products.get_all().await?, [product_with_id(5, "A1")]);
    Ok(())
}

pub(crate) async fn or_changes_only_what_the_patch_names(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let patch = || ProductPatch { price: increment(0.5), ..ProductPatch::default() };
    for price in [1.0, 1.5, 2.0] {
        let row = Product { note: Some("new".into()), ..product_with_id(1, "A1") };
        let stored = products.upsert_by(Product::SKU, row.clone()).or_update(patch()).await?;
        assert_eq!(stored, Product { price, ..row });
    }
    let patch = ProductPatch { note: Set(None), ..patch() };
    let row = product("A1", "toys", 100.0);
    let stored = products.upsert_by(Product::SKU, row).or_update(patch).await?;
    assert_eq!(stored, Product { price: 2.5, ..product_with_id(1, "A1") });
    assert_eq!(products.get(&1).await?, Some(stored));
    Ok(())
}

pub(crate) async fn by_the_key_replaces_the_row(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let patch = CounterPatch { wide: increment(1), ..CounterPatch::default() };
    counters.upsert_by(Counter::ID, counter(1)).or_update(patch.clone()).await?;
    let stored = counters.upsert_by(Counter::ID, counter(1)).or_update(patch).await?;
    assert_eq!(stored, Counter { wide: 1, ..counter(1) });
    assert_eq!(counters.upsert_by(Counter::ID, counter(1)).await?, counter(1));
    Ok(())
}

pub(crate) async fn by_several_columns(store: &Store) -> Outcome {
    let seats = set_up::<Seat>(store).await?;
    let by = (Seat::ROOM, Seat::NUMBER);
    let first = seats.upsert_by(by, new_seat("A", 1, "ann")).await?;
    let other = seats.upsert_by(by, new_seat("A", 2, "bob")).await?;
    let again = seats.upsert_by((Seat::NUMBER, Seat::ROOM), new_seat("A", 1, "cid")).await?;
    assert_eq!(again, Seat { id: first.id, ..seat("A", 1, "cid") });
    assert_eq!(seats.get_all().await?, [again, other]);
    Ok(())
}

pub(crate) async fn of_null_is_always_new(store: &Store) -> Outcome {
    let seats = set_up::<Seat>(store).await?;
    let by = (Seat::ROOM, Seat::NUMBER);
    let first = seats.upsert_by(by, new_seat("A", None, "ann")).await?;
    let second = seats.upsert_by(by, new_seat("A", None, "ann")).await?;
    assert_ne!(first.id, second.id);
    assert_eq!(seats.size().await?, 2);
    Ok(())
}

pub(crate) async fn fails_where_another_row_is_in_its_way(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let rows = [product_with_id(1, "A1"), product_with_id(2, "A2")];
    products.put_bulk(rows.clone()).await?;
    // A new sku, and a key that is taken.
    conflicts(&["id"], products.upsert_by(Product::SKU, product_with_id(1, "A3")).await);
    // A key that is there, and the sku of another row.
    conflicts(&["sku"], products.upsert_by(Product::ID, product_with_id(1, "A2")).await);
    let patch = ProductPatch { sku: Set("A2".into()), ..ProductPatch::default() };
    let upsert = products.upsert_by(Product::SKU, product("A1", "toys", 1.0)).or_update(patch);
    conflicts(&["sku"], upsert.await);
    assert_eq!(products.get_all().await?, rows);
    Ok(())
}

pub(crate) async fn goes_by_what_is_unique(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let row = || product("A1", "tools", 1.0);
    is_refused("unique", products.upsert_by(Product::CATEGORY, row()).await);
    is_refused("unique", products.upsert_by((Product::SKU, Product::ID), row()).await);
    let nan = Product { price: f64::NAN, ..product_with_id(1, "A1") };
    is_refused("NaN", products.upsert_by(Product::SKU, nan).await);
    assert_eq!(products.size().await?, 0);
    Ok(())
}

pub(crate) async fn with_nothing_to_change_reads(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let saved = products.put(product("A1", "tools", 9.5)).await?;
    let upsert = products
        .upsert_by(Product::SKU, product("A1", "toys", 1.0))
        .or_update(ProductPatch::default());
    assert_eq!(upsert.await?, saved);
    assert_eq!(products.get_all().await?, [saved]);
    Ok(())
}

pub(crate) async fn generates_no_key_twice(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let mut ids = Vec::new();
    for sku in ["A", "B", "A", "C"] {
        let id = products.upsert_by(Product::SKU, product(sku, "tools", 1.0)).await?.id;
        let first = ids.iter().find(|(known, _)| *known == sku).map(|(_, id)| *id);
        assert_eq!(first.unwrap_or(id), id);
        if first.is_none() {
            assert!(ids.iter().all(|(_, known)| *known < id), "{ids:?} {id}");
        }
        ids.push((sku, id));
    }
    Ok(())
}

pub(crate) async fn at_once_all_count(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let upserts = (0..24).map(|n| {
        let sku = if n % 2 == 0 { "even" } else { "odd" };
        let patch = ProductPatch { price: increment(1.0), ..ProductPatch::default() };
        products.upsert_by(Product::SKU, product(sku, "tools", 1.0)).or_update(patch).into_future()
    });
    try_join_all(upserts).await?;
    let prices: Vec<f64> = products.get_all().await?.iter().map(|row| row.price).collect();
    assert_eq!(prices, [12.0, 12.0]);
    Ok(())
}
