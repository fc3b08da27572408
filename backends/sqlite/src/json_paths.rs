//! The SQL functions that look up a path in a JSON column.
//!
//! SQLite's own `json_extract` takes the path as a text with its own rules about quotes, reads
//! integers beyond 64 bits as floating-point numbers, and rounds the last digit of some others.
//! These run the same code as the memory backend, over the document's text. A path comes as the
//! JSON array of its steps, and is read once for each statement.

use std::sync::Arc;

use rusqlite::{
    Connection, Error, Result,
    functions::{Context, FunctionFlags},
    types::{Value as SqlValue, ValueRef},
};
use storehouse_runtime::{JsonPath, JsonType, Value};

/// Adds the functions to a connection.
pub(crate) fn load(connection: &Connection) -> Result<()> {
    for (name, read_as) in [
        ("storehouse_json_integer", JsonType::Integer),
        ("storehouse_json_number", JsonType::Number),
        ("storehouse_json_text", JsonType::Text),
        ("storehouse_json_boolean", JsonType::Bool),
    ] {
        add_one(connection, name, move |found| {
            Ok(match found.map_or(Value::Null, |found| read_as.read(&found)) {
                Value::Int(integer) => SqlValue::Integer(integer),
                Value::Float(number) => SqlValue::Real(number),
                Value::Text(text) => SqlValue::Text(text),
                Value::Bool(truth) => SqlValue::Integer(i64::from(truth)),
                _ => SqlValue::Null,
            })
        })?;
    }
    let truth = |truth: bool| Ok(SqlValue::Integer(i64::from(truth)));
    add_one(connection, "storehouse_json_exists", move |found| truth(found.is_some()))?;
    add_one(connection, "storehouse_json_is_null", move |found| {
        truth(found.is_none_or(|found| found.is_null()))
    })
}

/// Adds a function of a document and a path, which is given what lies there.
fn add_one(
    connection: &Connection,
    name: &str,
    answer: impl Fn(Option<serde_json::Value>) -> Result<SqlValue> + Send + 'static,
) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(name, 2, flags, move |context| {
        let path = path(context)?;
        answer(match context.get_raw(0) {
            ValueRef::Null => None,
            document => path.find_in_text(document.as_str()?).map_err(failure)?,
        })
    })
}

fn path(context: &Context<'_>) -> Result<Arc<JsonPath>> {
    context.get_or_create_aux(1, |value| -> Result<_> {
        JsonPath::decode(value.as_str()?).map_err(failure)
    })
}

fn failure(error: serde_json::Error) -> Error {
    Error::UserFunctionError(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_answer_with_the_type_that_was_asked_for() {
        let connection = Connection::open_in_memory().unwrap();
        load(&connection).unwrap();
        let document = r#"{"a": 5.0, "b": "x", "c": true, "d": null}"#;
        let ask = |function: &str, name: &str| -> SqlValue {
            let sql = format!("SELECT storehouse_json_{function}(?, ?)");
            let path = JsonPath::from([name]).encode();
            connection.query_row(&sql, (document, path), |row| row.get(0)).unwrap()
        };
        assert_eq!(ask("integer", "a"), SqlValue::Integer(5));
        assert_eq!(ask("number", "a"), SqlValue::Real(5.0));
        assert_eq!(ask("text", "a"), SqlValue::Null);
        assert_eq!(ask("text", "b"), SqlValue::Text("x".into()));
        assert_eq!(ask("boolean", "c"), SqlValue::Integer(1));
        assert_eq!(ask("exists", "d"), SqlValue::Integer(1));
        assert_eq!(ask("exists", "e"), SqlValue::Integer(0));
        assert_eq!(ask("is_null", "d"), SqlValue::Integer(1));
        assert_eq!(ask("is_null", "e"), SqlValue::Integer(1));
        assert_eq!(ask("is_null", "a"), SqlValue::Integer(0));
        let null: i64 = connection
            .query_row("SELECT storehouse_json_exists(NULL, '[]')", [], |row| row.get(0))
            .unwrap();
        assert_eq!(null, 0);
    }
}
