//! An entry that is read where it is asked: its document goes straight into the caller's type, and
//! no tree of JSON is built in between.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value as Json, value::RawValue};
use storehouse_runtime::{
    ColumnDef, ColumnSource, ColumnType, DecimalValue, DecodeError, EncodedKey, Value,
    codec::{JsonColumn, RowRef},
    kv::KvDef,
};
use uuid::Uuid;

use crate::codec::read_value;

/// The column of the document.
const VALUE: usize = 1;

/// The parts of a file, not looked into.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts<'a> {
    #[serde(borrow)]
    key: &'a RawValue,
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(borrow, default)]
    expires_at: Option<&'a RawValue>,
}

/// An entry whose value is still text.
pub(super) struct Direct<'a> {
    /// The key, and when the entry expires.
    key: &'a Value,
    expires_at: Value,
    value: &'a str,
}

impl<'a> Direct<'a> {
    /// The entry in a file, where it is the key's; `None` where something is wrong with it, which
    /// who reads it in the usual way says what, and where values are no documents.
    pub(super) fn parse(definition: &KvDef, key: &'a EncodedKey, text: &'a [u8]) -> Option<Self> {
        if definition.value_type() != ColumnType::Json {
            return None;
        }
        let parts: Parts<'_> = serde_json::from_slice(text).ok()?;
        let columns = &definition.table().columns;
        let [key] = key.values() else { return None };
        let is_keys = match key {
            Value::Text(key) => {
                // A text with escapes is read into one of its own, which it seldom needs.
                let found: Text<'_> = serde_json::from_str(parts.key.get()).ok()?;
                found.0 == **key
            }
            key => read(&columns[0], parts.key)?.compare(key).is_eq(),
        };
        let expires_at = match parts.expires_at {
            Some(part) => read(&columns[2], part)?,
            None => Value::Null,
        };
        is_keys.then(|| Self { key, expires_at, value: parts.value.get() })
    }

    fn row(&self, column: usize) -> RowRef<'_> {
        RowRef(std::slice::from_ref(if column == 0 { self.key } else { &self.expires_at }))
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn read(column: &ColumnDef, part: &RawValue) -> Option<Value> {
    let json: Json = serde_json::from_str(part.get()).ok()?;
    read_value(column, &json).ok()
}

/// Reads a column that is no document.
macro_rules! from_row {
    ($($read:ident -> $type:ty;)*) => {
        $(fn $read(&mut self, column: usize) -> Result<$type, DecodeError> {
            self.row(column).$read(0)
        })*
    };
}

impl ColumnSource for Direct<'_> {
    fn is_null(&mut self, column: usize) -> bool {
        column != VALUE && self.row(column).is_null(0)
    }

    fn read_json(&mut self, column: usize) -> Result<JsonColumn<'_>, DecodeError> {
        if column == VALUE {
            return Ok(JsonColumn::Text(Cow::Borrowed(self.value)));
        }
        Err(DecodeError::new(column, "only the value is a document"))
    }

    from_row! {
        read_bool -> bool;
        read_int -> i64;
        read_float -> f64;
        read_decimal -> DecimalValue;
        read_text -> String;
        read_bytes -> Vec<u8>;
        read_uuid -> Uuid;
        read_date_time -> i64;
        read_date -> i32;
        read_time -> i64;
        read_float_list -> Vec<f32>;
        read_f16_list -> Vec<u16>;
        read_i8_list -> Vec<i8>;
        read_text_list -> Vec<String>;
    }
}
