//! Reading a row that is already in memory: by taking it apart, or by cloning from it.

use std::mem;

use uuid::Uuid;

use super::{ColumnSource, DecodeError, Decoded, JsonColumn};
use crate::{
    decimal::DecimalValue,
    value::{EncodedRow, Value},
};

/// Implements [`ColumnSource`] over a way to get one owned value.
macro_rules! source_over_values {
    ($take:ident) => {
        fn read_bool(&mut self, column: usize) -> Decoded<bool> {
            read_variant!(self.$take(column), column, "a bool", Value::Bool(value) => value)
        }

        fn read_int(&mut self, column: usize) -> Decoded<i64> {
            read_variant!(self.$take(column), column, "an integer", Value::Int(value) => value)
        }

        fn read_float(&mut self, column: usize) -> Decoded<f64> {
            read_variant!(self.$take(column), column, "a number", Value::Float(value) => value)
        }

        fn read_decimal(&mut self, column: usize) -> Decoded<DecimalValue> {
            read_variant!(
                self.$take(column), column, "a decimal number", Value::Decimal(value) => value
            )
        }

        fn read_text(&mut self, column: usize) -> Decoded<String> {
            read_variant!(self.$take(column), column, "text", Value::Text(value) => value)
        }

        fn read_bytes(&mut self, column: usize) -> Decoded<Vec<u8>> {
            read_variant!(self.$take(column), column, "bytes", Value::Bytes(value) => value)
        }

        fn read_uuid(&mut self, column: usize) -> Decoded<Uuid> {
            read_variant!(self.$take(column), column, "a UUID", Value::Uuid(value) => value)
        }

        fn read_date_time(&mut self, column: usize) -> Decoded<i64> {
            read_variant!(self.$take(column), column, "a date-time", Value::DateTime(value) => value)
        }

        fn read_date(&mut self, column: usize) -> Decoded<i32> {
            read_variant!(self.$take(column), column, "a date", Value::Date(value) => value)
        }

        fn read_time(&mut self, column: usize) -> Decoded<i64> {
            read_variant!(self.$take(column), column, "a time of day", Value::Time(value) => value)
        }

        fn read_float_list(&mut self, column: usize) -> Decoded<Vec<f32>> {
            read_variant!(
                self.$take(column), column, "a list of numbers", Value::FloatList(value) => value
            )
        }

        fn read_f16_list(&mut self, column: usize) -> Decoded<Vec<u16>> {
            read_variant!(
                self.$take(column), column, "a list of half-precision numbers",
                Value::F16List(value) => value
            )
        }

        fn read_i8_list(&mut self, column: usize) -> Decoded<Vec<i8>> {
            read_variant!(
                self.$take(column), column, "a list of 8-bit integers",
                Value::I8List(value) => value
            )
        }

        fn read_text_list(&mut self, column: usize) -> Decoded<Vec<String>> {
            read_variant!(
                self.$take(column), column, "a list of texts", Value::TextList(value) => value
            )
        }
    };
}

macro_rules! read_variant {
    ($value:expr, $column:expr, $expected:literal, $pattern:pat => $result:expr) => {
        match $value {
            $pattern => Ok($result),
            other => Err(DecodeError::new(
                $column,
                format!(concat!("expected ", $expected, ", found {}"), other.kind()),
            )),
        }
    };
}

/// Decoding an owned row moves its values out, so that nothing is copied.
impl ColumnSource for EncodedRow {
    fn is_null(&mut self, column: usize) -> bool {
        self.0[column].is_null()
    }

    fn read_json(&mut self, column: usize) -> Decoded<JsonColumn<'_>> {
        read_variant!(
            self.take(column), column, "JSON", Value::Json(value) => JsonColumn::Tree(value)
        )
    }

    source_over_values!(take);
}

impl EncodedRow {
    fn take(&mut self, column: usize) -> Value {
        mem::replace(&mut self.0[column], Value::Null)
    }
}

/// A row that others share; decoding clones what it reads.
#[derive(Clone, Copy, Debug)]
pub struct RowRef<'a>(pub &'a [Value]);

impl ColumnSource for RowRef<'_> {
    fn is_null(&mut self, column: usize) -> bool {
        self.0[column].is_null()
    }

    fn read_json(&mut self, column: usize) -> Decoded<JsonColumn<'_>> {
        read_variant!(
            &self.0[column], column, "JSON", Value::Json(value) => JsonColumn::Borrowed(value)
        )
    }

    source_over_values!(copy);
}

impl RowRef<'_> {
    fn copy(&self, column: usize) -> Value {
        self.0[column].clone()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use chrono::{DateTime, NaiveDate, NaiveTime};
    use serde_json::json;

    use super::*;
    use crate::codec::ColumnValue;

    /// Encodes both ways and decodes both ways: by taking and by cloning.
    fn comes_back<V: ColumnValue + Debug + PartialEq>(value: V) {
        let borrowed = value.to_value();
        let by_clone = V::decode(&mut RowRef(std::slice::from_ref(&borrowed)), 0).unwrap();
        assert_eq!(by_clone, value);
        let by_take = V::decode(&mut EncodedRow(vec![value.into_value()]), 0).unwrap();
        assert_eq!(by_take, by_clone);
    }

    #[test]
    fn every_type_comes_back() {
        comes_back(true);
        comes_back(i8::MIN);
        comes_back(i16::MIN);
        comes_back(i32::MIN);
        comes_back(i64::MIN);
        comes_back(u8::MAX);
        comes_back(u16::MAX);
        comes_back(u32::MAX);
        comes_back(f32::MIN_POSITIVE);
        comes_back(f64::MAX);
        comes_back("é".to_owned());
        comes_back(vec![0_u8, 255]);
        comes_back(Uuid::from_u128(1));
        comes_back(DateTime::from_timestamp_micros(-1).unwrap());
        comes_back(DateTime::from_timestamp_micros(1).unwrap().naive_utc());
        comes_back(NaiveDate::from_ymd_opt(-4, 2, 29).unwrap());
        comes_back(NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap());
        comes_back(json!({"a": [1, null]}));
        comes_back(vec![1.5_f32, -0.0]);
        comes_back([1.5_f32, -0.0, f32::INFINITY]);
        comes_back([0.0_f32; 0]);
        comes_back(vec![i8::MIN, 0, i8::MAX]);
        comes_back(Some([i8::MIN, 0, i8::MAX]));
        comes_back(vec!["a".to_owned(), String::new()]);
        comes_back(Some(7_i64));
        comes_back(None::<String>);
    }

    #[cfg(all(feature = "half", feature = "rust_decimal"))]
    #[test]
    fn the_types_of_other_crates_come_back() {
        use half::f16;

        comes_back(vec![f16::MIN, f16::NEG_ZERO, f16::MIN_POSITIVE_SUBNORMAL]);
        comes_back([f16::MAX, f16::INFINITY]);
        comes_back(rust_decimal::Decimal::MIN);
    }

    #[test]
    fn an_array_takes_no_list_of_another_length() {
        let stored = [Value::FloatList(vec![1.0, 2.0])];
        let error = <[f32; 3]>::decode(&mut RowRef(&stored), 0).unwrap_err();
        assert_eq!(error.message(), "expected 3 numbers, found 2");
    }

    #[test]
    fn a_value_of_another_type_is_an_error_that_names_both() {
        fn refused<V: ColumnValue + Debug>(value: Value) -> String {
            V::decode(&mut EncodedRow(vec![value]), 0).unwrap_err().into_message().into_owned()
        }
        assert_eq!(refused::<bool>(Value::Int(1)), "expected a bool, found an integer");
        assert_eq!(refused::<i64>(Value::Null), "expected an integer, found NULL");
        assert_eq!(refused::<f64>(Value::Bool(true)), "expected a number, found a bool");
        assert_eq!(
            refused::<String>(Value::Float(0.5)),
            "expected text, found a floating-point number"
        );
        assert_eq!(refused::<Vec<u8>>(Value::Text(String::new())), "expected bytes, found text");
        assert_eq!(refused::<Uuid>(Value::Bytes(vec![])), "expected a UUID, found bytes");
        assert_eq!(refused::<NaiveDate>(Value::Uuid(Uuid::nil())), "expected a date, found a UUID");
        assert_eq!(refused::<NaiveTime>(Value::Date(0)), "expected a time of day, found a date");
        assert_eq!(
            refused::<DateTime<chrono::Utc>>(Value::Time(0)),
            "expected a date-time, found a time of day"
        );
        assert_eq!(
            refused::<serde_json::Value>(Value::DateTime(0)),
            "expected JSON, found a date-time"
        );
        assert_eq!(
            refused::<Vec<f32>>(Value::TextList(vec![])),
            "expected a list of numbers, found a list of texts"
        );
        assert_eq!(
            refused::<Vec<String>>(Value::FloatList(vec![])),
            "expected a list of texts, found a list of numbers"
        );
        assert_eq!(refused::<String>(Value::Json(json!(1))), "expected text, found JSON");
        assert_eq!(refused::<i8>(Value::Int(128)), "128 does not fit i8");
        assert_eq!(refused::<u32>(Value::Int(-1)), "-1 does not fit u32");
    }

    #[test]
    fn json_fields_of_any_type() {
        use crate::codec::json::{decode, decode_optional, encode, encode_optional};

        let encoded = encode(&vec![(1, 'x')], 0).unwrap();
        assert_eq!(encoded, Value::Json(json!([[1, "x"]])));
        let decoded: Vec<(i32, char)> = decode(&mut RowRef(&[encoded]), 0).unwrap();
        assert_eq!(decoded, [(1, 'x')]);

        assert_eq!(encode_optional(None::<&i32>, 0).unwrap(), Value::Null);
        assert_eq!(encode_optional(Some(&1), 0).unwrap(), Value::Json(json!(1)));
        assert_eq!(decode_optional::<i32>(&mut RowRef(&[Value::Null]), 0).unwrap(), None);
        let one = [Value::Json(json!(1))];
        assert_eq!(decode_optional::<i32>(&mut RowRef(&one), 0).unwrap(), Some(1));
        assert!(decode::<String>(&mut RowRef(&one), 0).is_err());

        let keys_that_are_no_text = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert_eq!(encode(&keys_that_are_no_text, 5).unwrap_err().column, 5);

        let text = JsonColumn::Text("[1, 2]".into());
        assert_eq!(text.deserialize::<Vec<u8>>().unwrap(), [1, 2]);
    }
}
