//! Rows and entries as JSON: pleasant to read and to compare line by line, and exact.
//!
//! A column is on a line of its own, in the order of the definition, lists of numbers on that
//! line. What JSON has no form for has one here: infinite numbers are the texts `"Infinity"` and
//! `"-Infinity"`, a moment that no calendar has is a number. Reading takes any JSON of that meaning,
//! however it is laid out.

mod read;
mod write;

use serde_json::{Map, Value as Json};
use storehouse_runtime::{ColumnDef, TableDef, Value};

pub(crate) use self::{read::read_value, write::write_members};

/// The member under which a document of a column that can be NULL is wrapped, where it could be
/// taken for NULL or for a wrapped one.
const WRAPPED: &str = "$json";

const INFINITY: &str = "Infinity";
const NEGATIVE_INFINITY: &str = "-Infinity";

/// A row as the text of its file.
pub(crate) fn write_row(definition: &TableDef, row: &[Value]) -> Vec<u8> {
    write_members(definition.columns.iter().zip(row))
}

/// Reads the text of a row's file. Says what is wrong with it where it is none.
pub(crate) fn read_row(columns: &[ColumnDef], text: &[u8]) -> Result<Vec<Value>, String> {
    let members = read_object(text)?;
    if let Some(name) =
        members.keys().find(|name| columns.iter().all(|column| column.name != ***name))
    {
        return Err(format!("it has `{name}`, which is no column of the table"));
    }
    columns.iter().map(|column| member(column, &members)).collect()
}

/// The members of the object that a file holds.
pub(crate) fn read_object(text: &[u8]) -> Result<Map<String, Json>, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    match serde_json::from_slice(text) {
        Ok(Json::Object(members)) => Ok(members),
        Ok(_) => Err("it holds JSON, but no object".to_owned()),
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

/// A column's value among the members of an object; what may be left out can be missing.
pub(crate) fn member(column: &ColumnDef, members: &Map<String, Json>) -> Result<Value, String> {
    match members.get(&*column.name) {
        Some(json) => read_value(column, json),
        None if let Some(default) = column.default => Ok(default()),
        None if column.nullable => Ok(Value::Null),
        None => Err(format!("`{}` is missing", column.name)),
    }
}

/// Columns that are read by their type alone: what more a column asks of its values is checked by
/// who reads them, which may know another version of it.
pub(crate) fn plain_columns(definition: &TableDef) -> Vec<ColumnDef> {
    let plain = |column: &ColumnDef| ColumnDef { json_schema: None, ..column.clone() };
    definition.columns.iter().map(plain).collect()
}

#[cfg(test)]
mod tests;
