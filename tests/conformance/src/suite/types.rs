//! Values come back as they went in, to the bit, also at the edges of their types.

use serde::{Deserialize, Serialize};
use serde_json::json;
use storehouse::Table;
use storehouse_runtime::Store;
use uuid::Uuid;

use super::round_trip::{OneColumn, one_column, round_trip};
use crate::{behaviour::Outcome, expect::set_up};

one_column! {
    Bools: bool,
    Int8s: i8,
    Int16s: i16,
    Int32s: i32,
    Int64s: i64,
    Unsigned8s: u8,
    Unsigned16s: u16,
    Unsigned32s: u32,
    Float32s: f32,
    Float64s: f64,
    Texts: String,
    Bytes: Vec<u8>,
    Uuids: Uuid,
    Documents: serde_json::Value,
    TextLists: Vec<String>,
    FloatLists: Vec<f32>,
}

pub(crate) async fn bools(store: &Store) -> Outcome {
    round_trip::<Bools>(store, [false, true]).await
}

pub(crate) async fn integers_to_the_bit(store: &Store) -> Outcome {
    round_trip::<Int8s>(store, [i8::MIN, -1, 0, 1, i8::MAX]).await?;
    round_trip::<Int16s>(store, [i16::MIN, -1, 0, 1, i16::MAX]).await?;
    round_trip::<Int32s>(store, [i32::MIN, -1, 0, 1, i32::MAX]).await?;
    round_trip::<Unsigned8s>(store, [0, 1, u8::MAX]).await?;
    round_trip::<Unsigned16s>(store, [0, 1, u16::MAX]).await?;
    round_trip::<Unsigned32s>(store, [0, 1, u32::MAX]).await?;
    // Beyond 2^53, where a JavaScript number would be rounded, too.
    let beyond = 9_007_199_254_740_993;
    round_trip::<Int64s>(store, [i64::MIN, -beyond, -1, 0, 1, beyond, i64::MAX]).await
}

pub(crate) async fn floats_to_the_bit(store: &Store) -> Outcome {
    round_trip::<Float64s>(
        store,
        [
            0.0,
            -0.0,
            0.1,
            1.0 / 3.0,
            -1.0,
            3.0,
            1e15,
            1e16,
            1e300,
            9_007_199_254_740_993.0,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            f64::EPSILON,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ],
    )
    .await?;
    round_trip::<Float32s>(
        store,
        [
            0.0,
            -0.0,
            0.1,
            1.0 / 3.0,
            16_777_217.0,
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            1e-45,
            f32::INFINITY,
            f32::NEG_INFINITY,
        ],
    )
    .await
}

pub(crate) async fn texts(store: &Store) -> Outcome {
    let texts = [
        "",
        " ",
        " a ",
        "'",
        "''",
        "\"",
        "`",
        ";",
        "\\",
        "\\n",
        "--",
        "%_",
        "?1 $1 :a @b",
        "'; DROP TABLE texts; --",
        "\r\n\t",
        "NULL",
        "42",
        "4.20",
        "true",
        "2024-02-29",
        "{\"a\": 1}",
        "é",
        "e\u{301}",
        "日本語",
        "🦀👩‍👩‍👧",
        "\u{feff}bom",
        "\u{1}\u{1f}\u{7f}\u{85}",
        "\u{d7ff}\u{e000}\u{fffd}\u{ffff}\u{10ffff}",
        "\u{202e}right to left",
    ];
    round_trip::<Texts>(store, texts.map(str::to_owned)).await
}

pub(crate) async fn a_text_of_a_megabyte(store: &Store) -> Outcome {
    let long = "é'\\".repeat(250_000);
    assert_eq!(long.len(), 1_000_000);
    round_trip::<Texts>(store, [long]).await?;
    round_trip::<Bytes>(store, [vec![0xA7; 1_000_000]]).await
}

pub(crate) async fn bytes(store: &Store) -> Outcome {
    let all: Vec<u8> = (0..=255).collect();
    let values = [vec![], vec![0], vec![0, 0], vec![255], b"text".to_vec(), all];
    round_trip::<Bytes>(store, values).await
}

pub(crate) async fn uuids(store: &Store) -> Outcome {
    let some = Uuid::from_u128(0x0018_F3A2_7C11_7B6D_9D64_0102_0304_0506);
    round_trip::<Uuids>(store, [Uuid::nil(), Uuid::max(), some]).await
}

pub(crate) async fn json_documents(store: &Store) -> Outcome {
    round_trip::<Documents>(
        store,
        [
            json!(null),
            json!(true),
            json!(""),
            json!("text with 'quotes' and \"more\" \\ 🦀"),
            json!(0),
            json!(-1),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(0.1),
            json!(1e300),
            json!(5e-324),
            json!([]),
            json!({}),
            json!([1, "two", [3.5, null], {"four": []}]),
            json!({"": {"nested": {"deeper": [{"a": 1}, {"a": null}]}}, "é": "日本"}),
            json!({"value": 1, "operator": "<"}),
        ],
    )
    .await
}

pub(crate) async fn lists(store: &Store) -> Outcome {
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let lists = [
        list(&[]),
        list(&[""]),
        list(&["", ""]),
        list(&["a,b", "c"]),
        list(&["'", "\"", "\\", "[", "]", ",", "é", "🦀", "\n"]),
        list(&["null", "NULL"]),
    ];
    round_trip::<TextLists>(store, lists).await?;
    let numbers = [
        vec![],
        vec![0.0],
        vec![-0.0, 0.1, f32::MAX, f32::MIN_POSITIVE, 1e-45, f32::INFINITY, f32::NEG_INFINITY],
        vec![0.5; 4096],
    ];
    round_trip::<FloatLists>(store, numbers).await
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Attributes {
    colour: Colour,
    sizes: Vec<u64>,
    weight: Option<f64>,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Colour {
    Plain,
    Mixed { red: u8, blue: u8 },
}

/// Any serde type as JSON, alone and as an `Option`.
#[derive(Table, Clone, Debug, PartialEq)]
struct Shirt {
    #[table(key)]
    id: i64,
    #[table(json)]
    attributes: Attributes,
    #[table(json)]
    others: Option<Vec<Attributes>>,
}

pub(crate) async fn any_serde_type_as_json(store: &Store) -> Outcome {
    let shirts = set_up::<Shirt>(store).await?;
    let plain = Attributes { colour: Colour::Plain, sizes: vec![], weight: None };
    let mixed = Attributes {
        colour: Colour::Mixed { red: 255, blue: 0 },
        sizes: vec![0, u64::MAX],
        weight: Some(0.1),
    };
    let rows = [
        Shirt { id: 1, attributes: plain.clone(), others: None },
        Shirt { id: 2, attributes: mixed.clone(), others: Some(vec![]) },
        Shirt { id: 3, attributes: plain.clone(), others: Some(vec![mixed, plain]) },
    ];
    for row in &rows {
        assert_eq!(shirts.put(row.clone()).await?, *row);
    }
    assert_eq!(shirts.get_all().await?, rows);
    assert_eq!(shirts.query(Shirt::OTHERS.is_null()).await?, rows[..1]);
    Ok(())
}
