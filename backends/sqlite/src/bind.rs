//! Values on their way into a statement.

use std::rc::Rc;

use rusqlite::{
    Error, Result, Statement, ToSql,
    types::{ToSqlOutput, Value as SqlValue, ValueRef},
};
use storehouse_runtime::{Value, sql::Parameter};

/// Binds the parameters of a statement, in order.
pub(crate) fn parameters(
    statement: &mut Statement<'_>,
    parameters: &[Parameter<'_>],
) -> Result<()> {
    for (position, parameter) in (1..).zip(parameters) {
        match parameter {
            Parameter::Value { value, .. } | Parameter::Typed { value, .. } => {
                statement.raw_bind_parameter(position, Bound(value))?;
            }
            Parameter::Text(text) => statement.raw_bind_parameter(position, text)?,
            Parameter::Integer(integer) => statement.raw_bind_parameter(position, integer)?,
            Parameter::Float(number) => statement.raw_bind_parameter(position, number)?,
            Parameter::List { values, .. } | Parameter::TypedList { values, .. } => {
                let values = values.iter().map(stored).collect::<Result<Vec<_>>>()?;
                statement.raw_bind_parameter(position, Rc::new(values))?;
            }
        }
    }
    Ok(())
}

/// Binds values from parameter number `first` on.
pub(crate) fn values<'v>(
    statement: &mut Statement<'_>,
    first: usize,
    values: impl IntoIterator<Item = &'v Value>,
) -> Result<()> {
    (first..)
        .zip(values)
        .try_for_each(|(position, value)| statement.raw_bind_parameter(position, Bound(value)))
}

/// A value in the form that its column stores.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let borrowed = match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(truth) => ValueRef::Integer(i64::from(*truth)),
            Value::Int(integer) | Value::DateTime(integer) | Value::Time(integer) => {
                ValueRef::Integer(*integer)
            }
            Value::Date(days) => ValueRef::Integer(i64::from(*days)),
            Value::Float(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::Uuid(uuid) => ValueRef::Blob(uuid.as_bytes()),
            Value::Json(document) => return text(serde_json::to_string(document)),
            Value::TextList(list) => return text(serde_json::to_string(list)),
            Value::Decimal(number) => return Ok(blob(number.to_sort_key())),
            Value::FloatList(list) => {
                return Ok(blob(list.iter().flat_map(|number| number.to_le_bytes()).collect()));
            }
            Value::F16List(list) => {
                return Ok(blob(list.iter().flat_map(|bits| bits.to_le_bytes()).collect()));
            }
            Value::I8List(list) => {
                return Ok(blob(list.iter().map(|number| number.cast_unsigned()).collect()));
            }
            other => return Err(failure(format!("{} cannot be stored yet", other.kind()))),
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}

const fn blob(bytes: Vec<u8>) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(SqlValue::Blob(bytes))
}

/// The value as a column stores it.
pub(crate) fn stored(value: &Value) -> Result<SqlValue> {
    Ok(match Bound(value).to_sql()? {
        ToSqlOutput::Borrowed(borrowed) => borrowed.try_into().map_err(failure)?,
        ToSqlOutput::Owned(stored) => stored,
        _ => return Err(failure(format!("{} cannot be in a list", value.kind()))),
    })
}

fn text(json: serde_json::Result<String>) -> Result<ToSqlOutput<'static>> {
    json.map(|json| ToSqlOutput::Owned(SqlValue::Text(json))).map_err(failure)
}

fn failure(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::ToSqlConversionFailure(cause.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_list_has_the_form_of_its_column() {
        for (value, expected) in [
            (Value::Null, SqlValue::Null),
            (Value::Bool(true), SqlValue::Integer(1)),
            (Value::Float(-0.5), SqlValue::Real(-0.5)),
            (Value::Text("a".into()), SqlValue::Text("a".into())),
            (Value::FloatList(vec![1.0]), SqlValue::Blob(vec![0, 0, 128, 63])),
            (Value::F16List(vec![0x3C00]), SqlValue::Blob(vec![0, 60])),
            (Value::I8List(vec![1, -1]), SqlValue::Blob(vec![1, 255])),
            (Value::Decimal("-1.5".parse().unwrap()), SqlValue::Blob(vec![62, 252, 155])),
            (Value::Json(serde_json::json!([1])), SqlValue::Text("[1]".into())),
        ] {
            assert_eq!(stored(&value).unwrap(), expected, "{value:?}");
        }
    }
}
