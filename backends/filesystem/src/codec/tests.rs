//! Every type comes back to the bit, and looks as a person would write it.

use std::sync::Arc;

use serde_json::json;
use storehouse_runtime::{ColumnType, DecimalValue, TableDef, Value};

use super::*;

fn table(column_type: ColumnType, nullable: bool) -> Arc<TableDef> {
    let builder = TableDef::builder("rows").column("id", ColumnType::I64);
    let builder = if nullable {
        builder.nullable("value", column_type)
    } else {
        builder.column("value", column_type)
    };
    builder.key(["id"]).build().unwrap()
}

fn text_of(column_type: ColumnType, value: &Value) -> String {
    let mut texts = Vec::new();
    for nullable in [false, true] {
        if value.is_null() && !nullable {
            continue;
        }
        let definition = table(column_type, nullable);
        let row = [Value::Int(1), value.clone()];
        let text = write_row(&definition, &row);
        let back = read_row(&plain_columns(&definition), &text).unwrap();
        assert_eq!(format!("{back:?}"), format!("{row:?}"), "{}", String::from_utf8_lossy(&text));
        texts.push(String::from_utf8(text).unwrap());
    }
    let text = texts.pop().unwrap();
    let (begin, end) = ("{\n  \"id\": 1,\n  \"value\": ", "\n}\n");
    text.strip_prefix(begin).unwrap().strip_suffix(end).unwrap().to_owned()
}

#[test]
fn values_come_back_to_the_bit() {
    for (column_type, value, expected) in [
        (ColumnType::I64, Value::Int(i64::MIN), "-9223372036854775808"),
        (ColumnType::I64, Value::Int((1 << 53) + 1), "9007199254740993"),
        (ColumnType::Bool, Value::Bool(false), "false"),
        (ColumnType::F64, Value::Float(-0.0), "-0.0"),
        (ColumnType::F64, Value::Float(f64::NEG_INFINITY), "\"-Infinity\""),
        (ColumnType::F64, Value::Float(5e-324), "5e-324"),
        (ColumnType::F32, Value::Float(f64::from(0.1_f32)), "0.1"),
        (ColumnType::F32, Value::Float(f64::INFINITY), "\"Infinity\""),
        (ColumnType::F32, Value::Float(-0.0), "-0.0"),
        (ColumnType::Text, Value::Text("\"é\n".into()), "\"\\\"é\\n\""),
        (ColumnType::Bytes, Value::Bytes(vec![0, 255]), "\"AP8=\""),
        (ColumnType::DateTime, Value::DateTime(1), "\"1970-01-01T00:00:00.000001Z\""),
        (ColumnType::DateTime, Value::DateTime(i64::MAX - 1), "9223372036854775806"),
        (ColumnType::LocalDateTime, Value::DateTime(-1), "\"1969-12-31T23:59:59.999999\""),
        (ColumnType::Date, Value::Date(i32::MIN), "-2147483648"),
        (ColumnType::Time, Value::Time(1), "\"00:00:00.000001\""),
        (ColumnType::Decimal, Value::Decimal("12.50".parse::<DecimalValue>().unwrap()), "\"12.5\""),
        (ColumnType::TextList, Value::TextList(vec![]), "[]"),
        (ColumnType::TextList, Value::TextList(vec!["a".into()]), "[\n    \"a\"\n  ]"),
        (
            ColumnType::FloatList,
            Value::FloatList(vec![0.1, -0.0, f32::INFINITY]),
            "[0.1, -0.0, \"Infinity\"]",
        ),
        (
            ColumnType::F16List,
            Value::F16List(vec![0x7C00, 0x8000, 1]),
            "[\"Infinity\", -0.0, 5.9604645e-8]",
        ),
        (ColumnType::I8List, Value::I8List(vec![-128, 127]), "[-128, 127]"),
        (ColumnType::Json, Value::Json(json!(u64::MAX)), "18446744073709551615"),
        (
            ColumnType::Json,
            Value::Json(json!({"b": [1.0]})),
            "{\n    \"b\": [\n      1.0\n    ]\n  }",
        ),
        (ColumnType::I64, Value::Null, "null"),
        (ColumnType::Json, Value::Null, "null"),
        (ColumnType::Json, Value::Json(json!(null)), "{\n    \"$json\": null\n  }"),
        (
            ColumnType::Json,
            Value::Json(json!({"$json": 1})),
            "{\n    \"$json\": {\n      \"$json\": 1\n    }\n  }",
        ),
    ] {
        assert_eq!(text_of(column_type, &value), expected);
    }
}

#[test]
fn every_float_comes_back() {
    let mut rng = fastrand::Rng::with_seed(1);
    for _ in 0..20_000 {
        let wide = f64::from_bits(rng.u64(..));
        let narrow = f32::from_bits(rng.u32(..));
        if !wide.is_nan() {
            text_of(ColumnType::F64, &Value::Float(wide));
        }
        if !narrow.is_nan() {
            text_of(ColumnType::F32, &Value::Float(f64::from(narrow)));
        }
    }
}

#[test]
fn what_is_no_row_says_why() {
    let columns = plain_columns(&table(ColumnType::I8, false));
    let refused = |text: &str| read_row(&columns, text.as_bytes()).unwrap_err();
    assert!(refused("").contains("empty"));
    assert!(refused("{\"id\": 1, \"va").contains("no JSON"));
    assert!(refused("[1]").contains("no object"));
    assert!(refused("{\"id\": 1}").contains("`value` is missing"));
    assert!(refused("{\"id\": 1, \"value\": 1, \"other\": 1}").contains("`other`"));
    assert!(refused("{\"id\": 1, \"value\": 128}").contains("-128 to 127"));
    assert!(refused("{\"id\": 1, \"value\": null}").contains("value"));
    assert!(refused("<<<<<<< HEAD\n{\"id\": 1}").contains("no JSON"));
}
