//! A filter as a document. Every condition is written in the long form, with the type that a place
//! in a JSON column is read as, so that reading it gives the same filter.

use serde_json::{Map, Value as Json, json};

use super::{operator::Operator, place};
use crate::{
    definition::{ColumnDef, TableDef},
    error::{Error, Result},
    filter::FilterTree,
    json_path::{JsonPath, JsonTest, JsonType},
    value::Value,
};

impl FilterTree {
    /// The filter as a JSON document, which [`FilterTree::from_json`] reads back.
    ///
    /// Fails with [`Error::Validation`] when a value has no form in JSON, as an infinite number,
    /// or when the filter is of another table.
    pub fn to_json(&self, definition: &TableDef) -> Result<Json> {
        let column = |position: usize| {
            definition.columns.get(position).ok_or_else(|| {
                Error::validation(format!("`{}` has no column number {position}", definition.name))
            })
        };
        let parts = |parts: &[Self]| {
            parts.iter().map(|part| part.to_json(definition)).collect::<Result<Json>>()
        };
        let text = |position: usize, operator: Operator, text: &str| {
            Ok(condition(column(position)?, None, operator, Some(text.into()), None))
        };
        match self {
            Self::And(all) if all.is_empty() => Ok(Json::Object(Map::new())),
            Self::And(all) => Ok(json!({"$and": parts(all)?})),
            Self::Or(any) => Ok(json!({"$or": parts(any)?})),
            Self::Not(part) => Ok(json!({"$not": part.to_json(definition)?})),
            Self::Compare { column: position, comparison, value } => {
                let column = column(*position)?;
                let value = column.value_to_json(value)?;
                Ok(condition(column, None, Operator::Compare(*comparison), Some(value), None))
            }
            Self::InList { column: position, values } => {
                let column = column(*position)?;
                let values = values.iter().map(|value| column.value_to_json(value));
                let values = values.collect::<Result<Json>>()?;
                Ok(condition(column, None, Operator::In, Some(values), None))
            }
            Self::IsNull { column: position } => {
                Ok(condition(column(*position)?, None, Operator::IsNull, None, None))
            }
            Self::Like { column, pattern } => text(*column, Operator::Like, pattern),
            Self::StartsWith { column, prefix } => text(*column, Operator::StartsWith, prefix),
            Self::Contains { column, part } => text(*column, Operator::Contains, part),
            Self::Json { column: position, path, test } => at_path(column(*position)?, path, test),
        }
    }
}

fn at_path(column: &ColumnDef, path: &JsonPath, test: &JsonTest) -> Result<Json> {
    let (operator, value) = match test {
        JsonTest::Exists => (Operator::Exists, None),
        JsonTest::IsNull | JsonTest::IsNullAs(_) => (Operator::IsNull, None),
        JsonTest::Compare { comparison, value, .. } => {
            (Operator::Compare(*comparison), Some(scalar(column, value)?))
        }
        JsonTest::InList { values, .. } => {
            let values = values.iter().map(|value| scalar(column, value));
            (Operator::In, Some(values.collect::<Result<Json>>()?))
        }
        JsonTest::Like { pattern } => (Operator::Like, Some(pattern.as_str().into())),
        JsonTest::StartsWith { prefix } => (Operator::StartsWith, Some(prefix.as_str().into())),
        JsonTest::Contains { part } => (Operator::Contains, Some(part.as_str().into())),
    };
    Ok(condition(column, Some(path), operator, value, test.read_as()))
}

/// A value that a place is compared with: the types of [`JsonType`] are JSON's own.
fn scalar(column: &ColumnDef, value: &Value) -> Result<Json> {
    column.value_to_json(value)
}

fn condition(
    column: &ColumnDef,
    path: Option<&JsonPath>,
    operator: Operator,
    value: Option<Json>,
    read_as: Option<JsonType>,
) -> Json {
    let mut condition = Map::new();
    condition.insert("operator".into(), operator.name().into());
    if let Some(value) = value {
        condition.insert("value".into(), value);
    }
    if let Some(read_as) = read_as {
        condition.insert("as".into(), read_as.name().into());
    }
    let mut document = Map::new();
    document.insert(place::name(column, path), condition.into());
    document.into()
}
