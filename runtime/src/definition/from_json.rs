//! Values of columns from JSON, in the form that the table's JSON Schema describes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use uuid::Uuid;

use super::ColumnDef;
use crate::{
    codec::{ColumnValue, f32_to_f16},
    column_type::{ColumnType, VectorElement, VectorType},
    decimal::DecimalValue,
    error::{Error, Result},
    value::Value,
};

impl ColumnDef {
    /// A value of this column from JSON: what `serde_json` makes of the field, and bytes as
    /// base64. `null` is NULL; in a JSON column that is never NULL it is the document `null`.
    ///
    /// Fails with [`Error::Validation`] when it is of another type, or does not fit the column.
    /// The message does not repeat it.
    pub fn value_from_json(&self, json: &Json) -> Result<Value> {
        let value = self.read(json)?;
        self.check(&value)?;
        Ok(value)
    }

    /// As [`ColumnDef::value_from_json`], for a value that is only compared with: what a check of
    /// the column would refuse can still be a bound of a range.
    pub(crate) fn operand_from_json(&self, json: &Json) -> Result<Value> {
        let value = self.read(json)?;
        self.check_compared(&value)?;
        Ok(value)
    }

    fn read(&self, json: &Json) -> Result<Value> {
        let value = match (self.column_type, json) {
            (_, Json::Null) if self.nullable || self.column_type != ColumnType::Json => Value::Null,
            (column_type, Json::Number(_)) if let Some(range) = column_type.integer_range() => {
                self.integer(json, range)?
            }
            (ColumnType::Bool, Json::Bool(value)) => Value::Bool(*value),
            (ColumnType::F32, Json::Number(_)) => {
                let value = self.parse::<f32>(json, "a number")?;
                self.finite(&[value.0])?;
                value.1
            }
            (ColumnType::F64, Json::Number(_)) => self.parse::<f64>(json, "a number")?.1,
            (ColumnType::Decimal, Json::String(text)) => self.decimal(text, json)?,
            (ColumnType::Decimal, Json::Number(number)) => {
                self.decimal(&number.to_string(), json)?
            }
            (ColumnType::Text, Json::String(text)) => Value::Text(text.clone()),
            (ColumnType::Bytes, Json::String(text)) => match STANDARD.decode(text) {
                Ok(bytes) => Value::Bytes(bytes),
                Err(_) => return Err(self.not("base64", json)),
            },
            (ColumnType::Uuid, Json::String(_)) => self.parse::<Uuid>(json, "a UUID")?.1,
            (ColumnType::DateTime, Json::String(_)) => {
                self.parse::<DateTime<Utc>>(json, "a date-time such as \"2026-01-31T12:00:00Z\"")?.1
            }
            (ColumnType::LocalDateTime, Json::String(_)) => {
                self.parse::<NaiveDateTime>(json, "a date-time such as \"2026-01-31T12:00:00\"")?.1
            }
            (ColumnType::Date, Json::String(_)) => {
                self.parse::<NaiveDate>(json, "a date such as \"2026-01-31\"")?.1
            }
            (ColumnType::Time, Json::String(_)) => {
                self.parse::<NaiveTime>(json, "a time of day such as \"12:00:00\"")?.1
            }
            (ColumnType::Json, document) => Value::Json(document.clone()),
            (ColumnType::TextList, Json::Array(_)) => {
                self.parse::<Vec<String>>(json, "a list of texts")?.1
            }
            (
                ColumnType::I8List
                | ColumnType::Vector(VectorType { element: VectorElement::I8, .. }),
                Json::Array(_),
            ) => self.parse::<Vec<i8>>(json, "a list of integers from -128 to 127")?.1,
            (
                ColumnType::F16List
                | ColumnType::Vector(VectorType { element: VectorElement::F16, .. }),
                Json::Array(_),
            ) => self.halves(json)?,
            (ColumnType::FloatList | ColumnType::Vector(_), Json::Array(_)) => {
                let value = self.parse::<Vec<f32>>(json, "a list of numbers")?;
                self.finite(&value.0)?;
                value.1
            }
            (column_type, other) => return Err(self.not(expected(column_type), other)),
        };
        if let Some(variants) = self.json_schema.and_then(|schema| schema.variants())
            && !value.is_null()
            && !variants.has(&value)
        {
            // The check that follows would repeat the value.
            return Err(Error::validation(format!(
                "column `{}` has no such value; {}",
                self.name,
                variants.there_are()
            )));
        }
        Ok(value)
    }

    /// What was read, and the value that it becomes.
    fn parse<T: DeserializeOwned + ColumnValue>(
        &self,
        json: &Json,
        wanted: &str,
    ) -> Result<(T, Value)> {
        match T::deserialize(json) {
            Ok(read) => {
                let value = read.to_value();
                Ok((read, value))
            }
            Err(_) => Err(self.not(wanted, json)),
        }
    }

    fn integer(&self, json: &Json, (least, greatest): (i64, i64)) -> Result<Value> {
        match json.as_i64() {
            Some(integer) if (least..=greatest).contains(&integer) => Ok(Value::Int(integer)),
            _ if json.is_f64() => Err(self.not("an integer", json)),
            _ => Err(Error::validation(format!(
                "column `{}` takes integers from {least} to {greatest}, this one is outside",
                self.name
            ))),
        }
    }

    fn decimal(&self, text: &str, json: &Json) -> Result<Value> {
        let number = text.parse::<DecimalValue>();
        let wanted = "a decimal number of up to 28 digits such as \"12.50\"";
        number.map(Value::Decimal).map_err(|_| self.not(wanted, json))
    }

    fn halves(&self, json: &Json) -> Result<Value> {
        let (numbers, _) = self.parse::<Vec<f32>>(json, "a list of numbers")?;
        self.finite(&numbers)?;
        let halves: Option<Vec<u16>> = numbers.into_iter().map(f32_to_f16).collect();
        halves.map(Value::F16List).ok_or_else(|| {
            Error::validation(format!(
                "column `{}` takes half-precision numbers, and one of these would be rounded; \
                 round it before",
                self.name
            ))
        })
    }

    /// JSON has no infinity, so one is a number that was too large.
    fn finite(&self, numbers: &[f32]) -> Result<()> {
        if numbers.iter().all(|number| number.is_finite()) {
            return Ok(());
        }
        Err(Error::validation(format!(
            "column `{}` takes numbers that fit an f32, this one is too large",
            self.name
        )))
    }

    fn not(&self, wanted: &str, json: &Json) -> Error {
        // The value itself may be a secret, so only its kind is told.
        Error::validation(format!("column `{}` takes {wanted}, not {}", self.name, kind(json)))
    }
}

/// What a column of that type takes, for a message.
fn expected(column_type: ColumnType) -> &'static str {
    if column_type.integer_range().is_some() {
        return "an integer";
    }
    match column_type {
        ColumnType::Bool => "true or false",
        ColumnType::F32 | ColumnType::F64 => "a number",
        ColumnType::Bytes => "a string of base64",
        ColumnType::TextList => "a list of texts",
        ColumnType::FloatList
        | ColumnType::F16List
        | ColumnType::I8List
        | ColumnType::Vector(_) => "a list of numbers",
        ColumnType::Decimal => "a decimal number as a string",
        _ => "a string",
    }
}

/// What JSON calls a value.
pub(crate) const fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::json;

    use super::*;
    use crate::definition::{ColumnRole, ValueSchema, Variants};

    fn column(column_type: ColumnType) -> ColumnDef {
        ColumnDef {
            name: Cow::Borrowed("c"),
            column_type,
            nullable: true,
            ..crate::test_table::definition().columns[0].clone()
        }
    }

    #[test]
    fn each_type_has_its_form() {
        let read = |column_type, json| column(column_type).value_from_json(&json).unwrap();
        assert_eq!(read(ColumnType::I64, json!(i64::MIN)), Value::Int(i64::MIN));
        assert_eq!(read(ColumnType::U8, json!(255)), Value::Int(255));
        assert_eq!(read(ColumnType::F32, json!(0.1)), Value::Float(f64::from(0.1_f32)));
        assert_eq!(read(ColumnType::F64, json!(1)), Value::Float(1.0));
        assert_eq!(read(ColumnType::Bool, json!(true)), Value::Bool(true));
        assert_eq!(read(ColumnType::Text, json!("a")), Value::Text("a".into()));
        assert_eq!(read(ColumnType::Bytes, json!("AAE=")), Value::Bytes(vec![0, 1]));
        let id = Uuid::from_u128(7);
        assert_eq!(read(ColumnType::Uuid, json!(id)), Value::Uuid(id));
        let moment = json!("1970-01-01T00:00:01.5+00:00");
        assert_eq!(read(ColumnType::DateTime, moment), Value::DateTime(1_500_000));
        let local = json!("1970-01-01T00:00:01");
        assert_eq!(read(ColumnType::LocalDateTime, local), Value::DateTime(1_000_000));
        assert_eq!(read(ColumnType::Date, json!("1970-01-02")), Value::Date(1));
        assert_eq!(read(ColumnType::Time, json!("00:00:02")), Value::Time(2_000_000));
        assert_eq!(read(ColumnType::Json, json!({"a": 1})), Value::Json(json!({"a": 1})));
        let decimal = Value::Decimal("12.5".parse().unwrap());
        for json in [json!("12.50"), json!("12.5"), json!(12.5)] {
            assert_eq!(read(ColumnType::Decimal, json), decimal);
        }
        assert_eq!(read(ColumnType::I8List, json!([-128, 127])), Value::I8List(vec![-128, 127]));
        assert_eq!(
            read(ColumnType::F16List, json!([1, -0.5])),
            Value::F16List(vec![0x3C00, 0xB800])
        );
        let words = Value::TextList(vec!["a".into()]);
        assert_eq!(read(ColumnType::TextList, json!(["a"])), words);
        assert_eq!(read(ColumnType::FloatList, json!([1, 0.5])), Value::FloatList(vec![1.0, 0.5]));
        assert_eq!(read(ColumnType::I64, Json::Null), Value::Null);
    }

    #[test]
    fn what_does_not_fit_is_refused_without_repeating_it() {
        static STATUS: Variants = Variants::text("Status", &["draft", "done"]);
        let refused = |column_type, json: Json| {
            column(column_type).value_from_json(&json).unwrap_err().to_string()
        };
        assert!(refused(ColumnType::I64, json!(1.5)).contains("an integer"));
        assert!(refused(ColumnType::I64, json!(u64::MAX)).contains("outside"));
        assert!(refused(ColumnType::F32, json!(1e300)).contains("too large"));
        assert!(refused(ColumnType::FloatList, json!([1, 1e300])).contains("too large"));
        assert!(refused(ColumnType::F16List, json!([0.1])).contains("would be rounded"));
        assert!(refused(ColumnType::I8List, json!([128])).contains("-128 to 127"));
        assert!(refused(ColumnType::Decimal, json!(1e300)).contains("up to 28 digits"));
        assert!(refused(ColumnType::Decimal, json!("x")).contains("up to 28 digits"));
        assert!(refused(ColumnType::Decimal, json!(true)).contains("a decimal number as a string"));
        assert!(refused(ColumnType::U8, json!(256)).contains("0 to 255"));
        assert!(refused(ColumnType::Bytes, json!("?")).contains("base64"));
        assert!(refused(ColumnType::DateTime, json!("today")).contains("2026-01-31T12:00:00Z"));
        assert!(refused(ColumnType::Text, json!("a\0")).contains("NUL"));
        let secret = refused(ColumnType::Uuid, json!("hunter2"));
        assert!(secret.contains("not a string") && !secret.contains("hunter2"), "{secret}");
        let json_schema = Some(ValueSchema::Enum(&STATUS));
        let status = ColumnDef { json_schema, ..column(ColumnType::Text) };
        let unknown = status.value_from_json(&json!("hunter2")).unwrap_err().to_string();
        assert!(unknown.contains("there are \"draft\", \"done\""), "{unknown}");
        assert!(!unknown.contains("hunter2"), "{unknown}");
        assert!(status.operand_from_json(&json!("draft")).is_ok());
        assert!(status.value_from_json(&Json::Null).is_ok());
        let definition =
            ColumnDef { nullable: false, role: ColumnRole::Plain, ..column(ColumnType::I64) };
        let null = definition.value_from_json(&Json::Null).unwrap_err().to_string();
        assert!(null.contains("cannot be NULL"), "{null}");
        let document = ColumnDef { column_type: ColumnType::Json, ..definition };
        assert_eq!(document.value_from_json(&Json::Null).unwrap(), Value::Json(Json::Null));
    }
}
