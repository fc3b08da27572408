//! Bulks that are large enough for a backend to load them in a way of its own.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::json;
use storehouse::Table;
use storehouse_runtime::Store;
use uuid::Uuid;

use super::tables::{Product, Setting, product, product_with_id, setting};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, set_up},
};

/// How many rows are large.
const MANY: i64 = 2_500;

/// All of them, and another one.
const MANY_AND_ONE: u64 = MANY.unsigned_abs() + 1;

/// A column of every kind.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "measurements")]
struct Measurement {
    #[table(key)]
    station: String,
    #[table(key)]
    number: i32,
    flag: bool,
    tiny: i8,
    small: u16,
    wide: i64,
    single: f32,
    double: Option<f64>,
    bytes: Vec<u8>,
    id: Uuid,
    at: DateTime<Utc>,
    day: NaiveDate,
    time: Option<NaiveTime>,
    document: serde_json::Value,
    words: Vec<String>,
    numbers: Option<Vec<f32>>,
    #[table(vector(dim = 3))]
    embedding: Vec<f32>,
}

fn measurement(number: i32) -> Measurement {
    let single = f32::from(i16::try_from(number).expect("few")) / 3.0;
    Measurement {
        station: format!("Å{}", number % 7),
        number,
        flag: number % 2 == 0,
        tiny: i8::try_from(number % 128).expect("small"),
        small: u16::try_from(number).expect("small"),
        wide: i64::MIN + i64::from(number),
        single,
        double: (number % 3 > 0).then_some(f64::from(number) / 7.0),
        bytes: number.to_be_bytes().to_vec(),
        id: Uuid::from_u128(u128::MAX / 3 + u128::from(number.unsigned_abs())),
        at: DateTime::from_timestamp_micros(i64::from(number) * 1_000_003).expect("in range"),
        day: NaiveDate::from_num_days_from_ce_opt(700_000 + number).expect("in range"),
        time: NaiveTime::from_num_seconds_from_midnight_opt(number.unsigned_abs(), 1_000)
            .filter(|_| number % 5 > 0),
        document: json!({"n": number, "list": [null, 1.0, "\"\\"]}),
        words: vec!["a\"b\\c,{}".into(); usize::try_from(number % 3).expect("small")],
        numbers: (number % 4 > 0).then(|| vec![single, f32::INFINITY]),
        embedding: vec![single, -0.0, 1e-45],
    }
}

pub(crate) async fn hold_every_kind_of_value(store: &Store) -> Outcome {
    let measurements = set_up::<Measurement>(store).await?;
    let rows: Vec<Measurement> = (0..2_500).map(measurement).collect();
    assert_eq!(measurements.put_bulk(rows.clone()).await?, rows);
    for row in [&rows[0], &rows[1], &rows[2_499]] {
        let key = MeasurementKey { station: row.station.clone(), number: row.number };
        assert_eq!(measurements.get(&key).await?.as_ref(), Some(row));
    }
    let stored = measurements.get_all().order_by(Measurement::NUMBER.asc()).await?;
    assert_eq!(stored, rows);
    Ok(())
}

pub(crate) async fn replace_what_is_there(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let row = |number: i64, value| setting(&format!("{number:06}"), value);
    settings.put_bulk((0..MANY).map(|number| row(number, 1))).await?;
    // Some are there, and some are new.
    let later: Vec<Setting> = (MANY / 2..MANY * 2).map(|number| row(number, 2)).collect();
    assert_eq!(settings.put_bulk(later.clone()).await?, later);
    let expected = (0..MANY * 2).map(|number| row(number, if number < MANY / 2 { 1 } else { 2 }));
    assert!(settings.get_all().await?.into_iter().eq(expected));
    Ok(())
}

pub(crate) async fn with_a_conflict_store_nothing(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let taken = products.put(product_with_id(MANY * 2, "taken")).await?;
    let rows = (1..=MANY).map(|id| product_with_id(id, &format!("A{id}")));
    let with_taken = rows.clone().chain([product_with_id(MANY + 1, "taken")]);
    conflicts(&["sku"], products.put_bulk(with_taken).await);
    assert_eq!(products.get_all().await?, [taken]);
    products.put_bulk(rows).await?;
    assert_eq!(products.size().await?, MANY_AND_ONE);
    Ok(())
}

pub(crate) async fn generate_a_key_for_each_row(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    // In the way of what is generated.
    products.put(product_with_id(7, "in the way")).await?;
    let skus: Vec<String> = (0..MANY).map(|number| format!("A{number}")).collect();
    let stored = products.put_bulk(skus.iter().map(|sku| product(sku, "tools", 1.0))).await?;
    assert!(stored.iter().map(|product| &product.sku).eq(&skus));
    let ids: BTreeSet<i64> = stored.iter().map(|product| product.id).collect();
    assert_eq!(ids.len(), skus.len());
    for product in [&stored[0], &stored[skus.len() - 1]] {
        assert_eq!(products.get(&product.id).await?.as_ref(), Some(product));
    }
    assert_eq!(products.size().await?, MANY_AND_ONE);
    let next = products.put(product("next", "tools", 1.0)).await?;
    assert!(!ids.contains(&next.id));
    Ok(())
}

pub(crate) async fn belong_to_their_transaction(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product("taken", "tools", 1.0)).await?;
    let rows =
        |from: i64| (from..from + MANY).map(|number| product(&format!("A{number}"), "tools", 1.0));
    let tx = store.begin().await?;
    let inside = products.in_tx(&tx);
    inside.put_bulk(rows(0)).await?;
    let clash = rows(MANY).chain([product("taken", "tools", 1.0)]);
    conflicts(&["sku"], inside.put_bulk(clash).await);
    // The transaction goes on.
    assert_eq!(inside.size().await?, MANY_AND_ONE);
    tx.rollback().await?;
    assert_eq!(products.size().await?, 1);
    Ok(())
}
