//! SQL of the program's own, where PostgreSQL has what others have not: its types, its
//! placeholders, and poolers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use storehouse::Error;
use support::*;
use uuid::Uuid;

#[tokio::test]
async fn values_are_bound_and_read_by_their_types() {
    let (_database, opened) = open(|options| options).await;
    let uuid = Uuid::from_u128(7);
    let row = opened
        .store
        .raw_sql("SELECT $1, $2, $3, $4, $5, $6, $1")
        .bind(1_i64)
        .bind("it's")
        .bind(-0.5_f32)
        .bind(uuid)
        .bind(None::<bool>)
        .bind(serde_json::json!({"a": [1, null]}))
        .first::<(i64, String, f32, Uuid, Option<bool>, serde_json::Value, i64)>()
        .await
        .unwrap();
    let json = serde_json::json!({"a": [1, null]});
    assert_eq!(row, Some((1, "it's".into(), -0.5, uuid, None, json, 1)));
}

#[tokio::test]
async fn a_numeric_is_not_taken_for_a_float() {
    let (_database, opened) = open(|options| options).await;
    // Zero has eight bytes, as a float has.
    let read = opened.store.raw_sql("SELECT 0::numeric AS total").first::<(f64,)>().await;
    let Err(Error::Decode { column, message, .. }) = read else { panic!("{read:?}") };
    assert_eq!(column, "total");
    assert!(message.contains("`total::double precision`"), "{message}");
    let cast = opened.store.raw_sql("SELECT 0::numeric::double precision").first::<(f64,)>().await;
    assert_eq!(cast.unwrap(), Some((0.0,)));
}

#[tokio::test]
async fn each_placeholder_has_its_value() {
    let (_database, opened) = open(|options| options).await;
    let store = &opened.store;
    let more = store.raw_sql("SELECT $1").bind(1_i64).bind(2_i64).first::<(i64,)>().await;
    assert!(matches!(more, Err(Error::Validation { .. })), "{more:?}");
    let fewer = store.raw_sql("SELECT $1::bigint + $2").bind(1_i64).first::<(i64,)>().await;
    assert!(matches!(fewer, Err(Error::Validation { .. })), "{fewer:?}");
    // It was no fault of the connection.
    assert_eq!(store.raw_sql("SELECT 1").first::<(i64,)>().await.unwrap(), Some((1,)));
}

#[tokio::test]
async fn nothing_is_kept_prepared_behind_a_pooler() {
    let (_database, opened) = open(|options| options.transaction_pooling(true)).await;
    let items = opened.table::<Item>().await;
    items.put_bulk([item(1), item(2)]).await.unwrap();
    let store = &opened.store;
    for _ in 0..3 {
        let found = store.raw_sql("SELECT * FROM item WHERE id > $1").bind(1_i64);
        assert_eq!(found.fetch::<Item>().await.unwrap(), [item(2)]);
    }
    let raised = store.raw_sql("UPDATE item SET amount = amount + 1").execute().await.unwrap();
    assert_eq!(raised, 2);
    let kept = store.raw_sql("SELECT count(*) FROM pg_prepared_statements").first::<(i64,)>();
    assert_eq!(kept.await.unwrap(), Some((0,)));
}
