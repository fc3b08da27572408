//! Records as JSON, in the form that the table's JSON Schema describes.

use std::sync::Arc;

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{Map, Value as Json};

use super::{Record, unknown};
use crate::{
    definition::{TableDef, from_json::kind},
    error::{Error, Result},
    suggest::list,
};

impl Record {
    /// Reads a record from a JSON object: each member is a column, bytes are base64, `null` is
    /// NULL. Columns that can be NULL, that the store generates, or that have a default may be
    /// left out.
    ///
    /// Fails with [`Error::Validation`] when a member is no column, when a column that has to be
    /// given is missing, and when a value does not fit. The message does not repeat the value.
    pub fn from_json(definition: &Arc<TableDef>, json: &Json) -> Result<Self> {
        let Json::Object(members) = json else {
            return Err(Error::validation(format!(
                "a record of `{}` is an object, not {}",
                definition.name,
                kind(json)
            )));
        };
        if let Some(name) = members.keys().find(|name| definition.column(name).is_none()) {
            return Err(unknown(definition, name));
        }
        let mut record = Self::new(definition);
        let mut missing = Vec::new();
        for (position, column) in definition.columns.iter().enumerate() {
            match members.get(&*column.name) {
                Some(json) => record.values[position] = Some(column.value_from_json(json)?),
                None if column.nullable
                    || column.default.is_some()
                    || definition.auto == Some(position) => {}
                None => missing.push(&*column.name),
            }
        }
        if missing.is_empty() {
            return Ok(record);
        }
        Err(Error::validation(format!(
            "a record of `{}` has to have {}; nothing stands in for what is left out",
            definition.name,
            list(missing)
        )))
    }

    /// The record as a JSON object, which [`Record::from_json`] reads back. Columns that were left
    /// out are left out.
    ///
    /// Fails with [`Error::Validation`] when a value has no form in JSON, as an infinite number.
    pub fn to_json(&self) -> Result<Json> {
        let mut object = Map::new();
        for (column, value) in self.definition.columns.iter().zip(&self.values) {
            if let Some(value) = value {
                object.insert(column.name.to_string(), column.value_to_json(value)?);
            }
        }
        Ok(Json::Object(object))
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().map_err(S::Error::custom)?.serialize(serializer)
    }
}
