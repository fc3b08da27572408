//! Every type that a column can have, and back again unchanged.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storehouse::{ColumnType, prelude::*};
use uuid::Uuid;

/// Neither `Clone` nor `Debug`: a `json` field need not be.
#[derive(PartialEq, Serialize, Deserialize, JsonSchema)]
enum Status {
    Active,
    Retired { since: i32 },
}

type Amount = i64;

#[derive(Table, PartialEq)]
struct Everything {
    #[table(key, auto)]
    id: Uuid,
    bool: bool,
    i8: i8,
    i16: i16,
    i32: i32,
    i64: i64,
    u8: u8,
    u16: u16,
    u32: u32,
    f32: f32,
    f64: f64,
    #[table(text)]
    string: String,
    bytes: Vec<u8>,
    uuid: Uuid,
    date_time: DateTime<Utc>,
    local: NaiveDateTime,
    date: NaiveDate,
    time: NaiveTime,
    #[table(metadata)]
    value: serde_json::Value,
    #[table(json(schema))]
    status: Status,
    #[table(json)]
    maybe_status: Option<Status>,
    floats: Vec<f32>,
    texts: Vec<String>,
    #[table(vector(dim = 2, metric = "l2", element = "f32"))]
    vector: Vec<f32>,
    #[table(vector(dim = 2))]
    maybe_vector: Option<Vec<f32>>,
    #[table(index, default = 7)]
    amount: Amount,
    maybe: std::option::Option<std::string::String>,
    #[table(default = [1, 2].map(|number| number.to_string()).into())]
    made: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> storehouse::Result<()> {
    let rows = storehouse::open("memory:").await?.tabular::<Everything>().await?;
    rows.setup_database().await?;
    let new = EverythingInsert {
        bool: true,
        i8: -8,
        i16: -16,
        i32: -32,
        i64: i64::MIN,
        u8: 8,
        u16: 16,
        u32: u32::MAX,
        f32: 0.1,
        f64: 0.1,
        string: "text".into(),
        bytes: vec![0, 255],
        uuid: Uuid::max(),
        date_time: DateTime::from_timestamp_micros(1).unwrap(),
        local: DateTime::from_timestamp_micros(2).unwrap().naive_utc(),
        date: NaiveDate::MIN,
        time: NaiveTime::MIN,
        value: serde_json::json!({"a": [null]}),
        status: Status::Retired { since: 1999 },
        floats: vec![0.5],
        texts: vec!["a".into()],
        vector: vec![1.0, 2.0],
    };
    let stored = rows.put(new).await?;
    assert!(stored.status == Status::Retired { since: 1999 } && stored.maybe_status.is_none());
    assert_eq!((stored.amount, stored.made.len()), (7, 2));
    let read = rows.get(&stored.id).await?.unwrap();
    assert!(read == stored);
    let patch = EverythingPatch { maybe_status: Set(Some(Status::Active)), ..Default::default() };
    let read = rows.update(&stored.id, patch).await?.unwrap();
    assert!(read.maybe_status == Some(Status::Active) && read.maybe.is_none());
    assert_eq!(rows.count(Everything::MAYBE_STATUS.is_not_null()).await?, 1);

    let definition = Everything::definition();
    let nullable: Vec<_> = (definition.columns.iter())
        .filter(|column| column.nullable)
        .map(|column| &*column.name)
        .collect();
    assert_eq!(nullable, ["maybe_status", "maybe_vector", "maybe"]);
    let amount = &definition.columns[definition.column("amount").unwrap()];
    assert_eq!(amount.column_type, ColumnType::I64);
    let schema = Everything::json_schema();
    assert!(schema["properties"]["status"].get("oneOf").is_some());
    Ok(())
}
