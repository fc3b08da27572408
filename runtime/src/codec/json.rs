//! JSON columns: `serde_json::Value` as it is, and any serde type by `#[table(json)]`.

use std::{borrow::Cow, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use super::{ColumnSource, ColumnValue, DecodeError, EncodeError, NotNull};
use crate::{column_type::ColumnType, value::Value};

/// A JSON document as a source has it: parsed, or as text that is parsed straight into the
/// field's type.
#[derive(Debug)]
pub enum JsonColumn<'a> {
    /// The document's text.
    Text(Cow<'a, str>),
    /// The parsed document.
    Tree(serde_json::Value),
    /// The parsed document, which somebody else holds.
    Borrowed(&'a serde_json::Value),
}

impl JsonColumn<'_> {
    /// Reads the document as a `T`.
    pub fn deserialize<T: DeserializeOwned>(self) -> serde_json::Result<T> {
        match self {
            Self::Text(text) => serde_json::from_str(&text),
            Self::Tree(tree) => serde_json::from_value(tree),
            Self::Borrowed(tree) => T::deserialize(tree),
        }
    }
}

/// The kind of a column that holds `T` as JSON: in `Column<Product, Json<Attributes>>`.
///
/// It is never a value; the field itself has the type `T`.
#[derive(Debug)]
pub struct Json<T>(PhantomData<fn() -> T>);

/// Encodes a field marked `json`.
pub fn encode<T: Serialize>(field: &T, column: usize) -> Result<Value, EncodeError> {
    serde_json::to_value(field)
        .map(Value::Json)
        .map_err(|error| EncodeError { column, message: error.to_string() })
}

/// Encodes a field marked `json` that is an `Option`: `None` is NULL.
pub fn encode_optional<T: Serialize>(
    field: Option<&T>,
    column: usize,
) -> Result<Value, EncodeError> {
    field.map_or(Ok(Value::Null), |field| encode(field, column))
}

/// Decodes a field marked `json`.
pub fn decode<T: DeserializeOwned>(
    source: &mut dyn ColumnSource,
    column: usize,
) -> Result<T, DecodeError> {
    source
        .read_json(column)?
        .deserialize()
        .map_err(|error| DecodeError::new(column, error.to_string()))
}

/// Decodes a field marked `json` that is an `Option`.
pub fn decode_optional<T: DeserializeOwned>(
    source: &mut dyn ColumnSource,
    column: usize,
) -> Result<Option<T>, DecodeError> {
    if source.is_null(column) { Ok(None) } else { decode(source, column).map(Some) }
}

#[diagnostic::do_not_recommend]
impl ColumnValue for serde_json::Value {
    const TYPE: ColumnType = ColumnType::Json;
    type Scalar = Self;

    fn into_value(self) -> Value {
        Value::Json(self)
    }

    fn to_value(&self) -> Value {
        Value::Json(self.clone())
    }

    fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
        decode(source, column)
    }
}

impl NotNull for serde_json::Value {}
