//! Values of columns as JSON, in the form that the table's JSON Schema describes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::ColumnDef;
use crate::{
    codec::{ColumnValue, RowRef, f16_to_f32},
    column_type::ColumnType,
    error::{Error, Result},
    value::Value,
};

impl ColumnDef {
    /// A value of this column as JSON: what `serde_json` makes of the field, and bytes as base64.
    /// [`ColumnDef::value_from_json`] reads it back.
    ///
    /// Fails with [`Error::Validation`] when JSON has no form for it, as for an infinite number, or
    /// when it is not of this column's type.
    pub fn value_to_json(&self, value: &Value) -> Result<Json> {
        match (self.column_type, value) {
            (_, Value::Null) => Ok(Json::Null),
            (_, Value::Bool(truth)) => Ok(Json::Bool(*truth)),
            (_, Value::Int(integer)) => Ok(Json::from(*integer)),
            (_, Value::Float(number)) => self.number(*number),
            (_, Value::Text(text)) => Ok(Json::from(text.as_str())),
            (_, Value::Bytes(bytes)) => Ok(Json::from(STANDARD.encode(bytes))),
            (_, Value::Json(document)) => Ok(document.clone()),
            (_, Value::TextList(list)) => Ok(Json::from(list.as_slice())),
            (_, Value::Decimal(number)) => Ok(Json::from(number.to_string())),
            (_, Value::I8List(list)) => Ok(Json::from(list.as_slice())),
            (_, Value::F16List(list)) => {
                list.iter().map(|&bits| self.number(f64::from(f16_to_f32(bits)))).collect()
            }
            (_, Value::FloatList(list)) => {
                list.iter().map(|number| self.number(f64::from(*number))).collect()
            }
            (ColumnType::Uuid, value) => self.serialized::<Uuid>(value),
            (ColumnType::DateTime, value) => self.serialized::<DateTime<Utc>>(value),
            (ColumnType::LocalDateTime, value) => self.serialized::<NaiveDateTime>(value),
            (ColumnType::Date, value) => self.serialized::<NaiveDate>(value),
            (ColumnType::Time, value) => self.serialized::<NaiveTime>(value),
            (_, value) => Err(self.no_form(value.kind())),
        }
    }

    fn number(&self, number: f64) -> Result<Json> {
        match serde_json::Number::from_f64(number) {
            Some(number) => Ok(Json::Number(number)),
            None => Err(self.no_form("an infinite number")),
        }
    }

    fn serialized<V: ColumnValue + Serialize>(&self, value: &Value) -> Result<Json> {
        let read = V::decode(&mut RowRef(std::slice::from_ref(value)), 0);
        let json = read.ok().and_then(|read| serde_json::to_value(read).ok());
        json.ok_or_else(|| self.no_form(value.kind()))
    }

    fn no_form(&self, what: &str) -> Error {
        Error::validation(format!(
            "column `{}` holds {what}, which JSON has no form for",
            self.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_table;

    #[test]
    fn a_value_comes_back() {
        for (column_type, value, expected) in [
            (ColumnType::Bool, Value::Bool(true), json!(true)),
            (ColumnType::I64, Value::Int(i64::MIN), json!(i64::MIN)),
            (ColumnType::F32, Value::Float(f64::from(0.1_f32)), json!(f64::from(0.1_f32))),
            (ColumnType::F64, Value::Float(-0.0), json!(-0.0)),
            (ColumnType::Text, Value::Text("é".into()), json!("é")),
            (ColumnType::Bytes, Value::Bytes(vec![0, 255]), json!("AP8=")),
            (ColumnType::Uuid, Value::Uuid(Uuid::nil()), json!(Uuid::nil())),
            (ColumnType::DateTime, Value::DateTime(1), json!("1970-01-01T00:00:00.000001Z")),
            (ColumnType::LocalDateTime, Value::DateTime(-1), json!("1969-12-31T23:59:59.999999")),
            (ColumnType::Date, Value::Date(-1), json!("1969-12-31")),
            (ColumnType::Time, Value::Time(1), json!("00:00:00.000001")),
            (ColumnType::Json, Value::Json(json!({"a": []})), json!({"a": []})),
            (ColumnType::TextList, Value::TextList(vec!["a".into()]), json!(["a"])),
            (ColumnType::FloatList, Value::FloatList(vec![0.5]), json!([0.5])),
            (ColumnType::I64, Value::Null, json!(null)),
        ] {
            let nullable = true;
            let column =
                ColumnDef { column_type, nullable, ..test_table::definition().columns[0].clone() };
            let json = column.value_to_json(&value).unwrap();
            assert_eq!(json, expected);
            assert_eq!(column.value_from_json(&json).unwrap(), value);
        }
    }

    #[test]
    fn what_has_no_form_is_refused() {
        let column = test_table::definition().columns[2].clone();
        let refused = |value| column.value_to_json(&value).unwrap_err().to_string();
        assert!(refused(Value::Float(f64::INFINITY)).contains("an infinite number"));
        assert!(refused(Value::FloatList(vec![f32::INFINITY])).contains("an infinite number"));
        assert!(refused(Value::Date(1)).contains("a date"));
    }
}
