//! What a JSON value counts as when a filter reads it as an integer, a number, text or a truth
//! value.

use serde_json::{Number, Value as Json};

use crate::{codec::Ordered, column_type::ColumnType, value::Value};

/// What a filter reads a JSON value as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonType {
    /// A whole number that fits 64 bits, however it is written: 5, 5.0 and 5e0 are one.
    Integer,
    /// Any number, as the nearest 64-bit floating-point number.
    Number,
    /// A string.
    Text,
    /// `true` or `false`.
    Bool,
}

impl JsonType {
    /// The type that a column of such values has.
    pub const fn column_type(self) -> ColumnType {
        match self {
            Self::Integer => ColumnType::I64,
            Self::Number => ColumnType::F64,
            Self::Text => ColumnType::Text,
            Self::Bool => ColumnType::Bool,
        }
    }

    /// JSON Schema's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "string",
            Self::Bool => "boolean",
        }
    }

    /// The value of `found`, or NULL when it is of another type.
    pub fn read(self, found: &Json) -> Value {
        let value = match (self, found) {
            (Self::Integer, Json::Number(number)) => integer(number).map(Value::Int),
            (Self::Number, Json::Number(number)) => number.as_f64().map(Value::Float),
            (Self::Text, Json::String(text)) => Some(Value::Text(text.clone())),
            (Self::Bool, Json::Bool(truth)) => Some(Value::Bool(*truth)),
            _ => None,
        };
        value.unwrap_or(Value::Null)
    }
}

/// A number's value is that of its digits as JSON writes them, which is what PostgreSQL keeps. For
/// a floating-point number beyond 2^53 that may differ from the number itself, since a few digits
/// are enough to tell it from its neighbours.
fn integer(number: &Number) -> Option<i64> {
    // Beyond it no integer of 64 bits is near.
    const FAR: f64 = 1e19;
    if number.is_i64() {
        return number.as_i64();
    }
    let float = number.as_f64().filter(|float| number.is_f64() && float.abs() < FAR)?;
    float.to_string().parse().ok()
}

/// A Rust type that a value in a JSON document is read as: `i64`, `f64`, `bool` and `String`.
pub trait JsonScalar: Ordered {
    /// What it is read as.
    const JSON_TYPE: JsonType;
}

impl JsonScalar for i64 {
    const JSON_TYPE: JsonType = JsonType::Integer;
}

impl JsonScalar for f64 {
    const JSON_TYPE: JsonType = JsonType::Number;
}

impl JsonScalar for String {
    const JSON_TYPE: JsonType = JsonType::Text;
}

impl JsonScalar for bool {
    const JSON_TYPE: JsonType = JsonType::Bool;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_are_integers_however_they_are_written() {
        let integer = |json: Json| JsonType::Integer.read(&json);
        assert_eq!(integer(json!(5)), Value::Int(5));
        assert_eq!(integer(json!(5.0)), Value::Int(5));
        assert_eq!(integer(json!(-0.0)), Value::Int(0));
        assert_eq!(integer(json!(5.5)), Value::Null);
        assert_eq!(integer(json!(i64::MIN)), Value::Int(i64::MIN));
        assert_eq!(integer(json!(9_007_199_254_740_993_i64)), Value::Int(9_007_199_254_740_993));
        assert_eq!(integer(json!(i64::MAX as u64 + 1)), Value::Null);
        assert_eq!(integer(json!(1e18)), Value::Int(1_000_000_000_000_000_000));
        assert_eq!(integer(json!(9.3e18)), Value::Null);
        assert_eq!(integer(json!(1e300)), Value::Null);
        assert_eq!(integer(json!("5")), Value::Null);
        assert_eq!(integer(json!(true)), Value::Null);
    }

    #[test]
    fn nothing_is_converted() {
        assert_eq!(JsonType::Number.read(&json!(5)), Value::Float(5.0));
        assert_eq!(
            JsonType::Number.read(&json!(u64::MAX)),
            Value::Float(1.844_674_407_370_955_2e19)
        );
        assert_eq!(JsonType::Number.read(&json!("5")), Value::Null);
        assert_eq!(JsonType::Text.read(&json!("5")), Value::Text("5".into()));
        assert_eq!(JsonType::Text.read(&json!(5)), Value::Null);
        assert_eq!(JsonType::Text.read(&json!(null)), Value::Null);
        assert_eq!(JsonType::Bool.read(&json!(true)), Value::Bool(true));
        assert_eq!(JsonType::Bool.read(&json!(1)), Value::Null);
        assert_eq!(JsonType::Bool.read(&json!("true")), Value::Null);
        assert_eq!(JsonType::Text.read(&json!(["a"])), Value::Null);
    }
}
