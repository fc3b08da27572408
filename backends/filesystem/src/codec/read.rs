//! Reading values from JSON, of whatever layout.

use serde_json::Value as Json;
use storehouse_runtime::{
    ColumnDef, ColumnType, Value, VectorElement, VectorType, codec::f32_to_f16,
};

use super::{INFINITY, NEGATIVE_INFINITY, WRAPPED};

/// A column's value. Says what is wrong with it where it is none; the value is not repeated.
pub(crate) fn read_value(column: &ColumnDef, json: &Json) -> Result<Value, String> {
    let value = match (column.column_type, json) {
        (ColumnType::Json, json) if column.nullable => match json {
            Json::Null => Value::Null,
            Json::Object(members) if members.len() == 1 && members.contains_key(WRAPPED) => {
                Value::Json(members[WRAPPED].clone())
            }
            document => Value::Json(document.clone()),
        },
        (_, Json::Null) if column.nullable => Value::Null,
        (ColumnType::F64, json) if let Some(number) = float(json) => Value::Float(number),
        (ColumnType::F32, json) if let Some(number) = float(json) => {
            Value::Float(f64::from(narrowed(column, number)?))
        }
        (
            ColumnType::FloatList
            | ColumnType::Vector(VectorType { element: VectorElement::F32, .. }),
            Json::Array(list),
        ) => Value::FloatList(floats(column, list)?),
        (
            ColumnType::F16List
            | ColumnType::Vector(VectorType { element: VectorElement::F16, .. }),
            Json::Array(list),
        ) => {
            let halves: Option<Vec<u16>> =
                floats(column, list)?.into_iter().map(f32_to_f16).collect();
            let halves = halves.ok_or_else(|| {
                format!("`{}` has a number that half precision does not hold", column.name)
            })?;
            Value::F16List(halves)
        }
        (ColumnType::DateTime | ColumnType::LocalDateTime, Json::Number(number)) => {
            Value::DateTime(whole(column, number)?)
        }
        (ColumnType::Time, Json::Number(number)) => Value::Time(whole(column, number)?),
        (ColumnType::Date, Json::Number(number)) => {
            let days = i32::try_from(whole(column, number)?);
            Value::Date(days.map_err(|_| format!("`{}` is no date", column.name))?)
        }
        (_, json) => {
            // The errors of the runtime are sentences of their own.
            return column.value_from_json(json).map_err(|error| error.to_string());
        }
    };
    column.check(&value).map_err(|error| error.to_string())?;
    Ok(value)
}

fn whole(column: &ColumnDef, number: &serde_json::Number) -> Result<i64, String> {
    number.as_i64().ok_or_else(|| format!("`{}` is no whole number", column.name))
}

/// A number, which may be infinite.
fn float(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) if text == INFINITY => Some(f64::INFINITY),
        Json::String(text) if text == NEGATIVE_INFINITY => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn narrowed(column: &ColumnDef, number: f64) -> Result<f32, String> {
    #[expect(clippy::cast_possible_truncation, reason = "what does not fit is refused below")]
    let narrow = number as f32;
    if narrow.is_finite() == number.is_finite() {
        Ok(narrow)
    } else {
        Err(format!("`{}` takes numbers that fit an f32, this one is too large", column.name))
    }
}

fn floats(column: &ColumnDef, list: &[Json]) -> Result<Vec<f32>, String> {
    let read = |json: &Json| {
        let number =
            float(json).ok_or_else(|| format!("`{}` is a list of numbers", column.name))?;
        narrowed(column, number)
    };
    list.iter().map(read).collect()
}
