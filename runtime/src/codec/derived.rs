//! What the derive asks of a field's type beyond [`ColumnValue`](super::ColumnValue), so that
//! rustc, which can resolve the type, answers in this crate's words.
//!
//! Each trait is a check alone, but for [`JsonField`]. The derive names a constant or a function
//! of the trait and never a bound of some function: rustc would print that function's path too.

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    ColumnSource, ColumnValue, DecodeError, EncodeError, KeyColumn, Ordered, RowRef, TextColumn,
    json,
};
use crate::{
    definition::{ValueSchema, json_schema},
    value::Value,
};

/// A field's type that can be kept as JSON: every serde type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept as JSON",
    label = "not a serde type",
    note = "add `#[derive(Serialize, Deserialize)]` to `{Self}`"
)]
pub trait JsonField: Sized {
    /// The value to store.
    fn encode(&self, column: usize) -> Result<Value, EncodeError>;
    /// Reads the value back.
    fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError>;
    /// The value of an `Option` to store.
    fn encode_optional(field: Option<&Self>, column: usize) -> Result<Value, EncodeError>;
    /// Reads the value of an `Option` back.
    fn decode_optional(
        source: &mut dyn ColumnSource,
        column: usize,
    ) -> Result<Option<Self>, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> JsonField for T {
    fn encode(&self, column: usize) -> Result<Value, EncodeError> {
        json::encode(self, column)
    }

    fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
        json::decode(source, column)
    }

    fn encode_optional(field: Option<&Self>, column: usize) -> Result<Value, EncodeError> {
        json::encode_optional(field, column)
    }

    fn decode_optional(
        source: &mut dyn ColumnSource,
        column: usize,
    ) -> Result<Option<Self>, DecodeError> {
        json::decode_optional(source, column)
    }
}

/// The value of a `json` column that was left out. A default that cannot be encoded becomes NULL,
/// which the check of the row refuses where the column is not an `Option`.
pub fn json_default(encoded: Result<Value, EncodeError>) -> Value {
    encoded.unwrap_or(Value::Null)
}

/// A `json(schema)` field's type, whose schema schemars knows.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no JSON Schema",
    label = "`json(schema)` describes the inside of this type",
    note = "add `#[derive(JsonSchema)]` of the crate `schemars` to `{Self}`, or write `json` alone"
)]
pub trait DescribedJson {
    /// The schema.
    const SCHEMA: ValueSchema;
}

#[diagnostic::do_not_recommend]
impl<T: schemars::JsonSchema> DescribedJson for T {
    const SCHEMA: ValueSchema = ValueSchema::Document(json_schema::of_type::<T>);
}

/// Holds a value to the check of a type that derives `TableNewtype` with `validate`.
pub fn check_value<V: ColumnValue>(
    value: &Value,
    check: fn(&V) -> Result<(), String>,
) -> Result<(), String> {
    let decoded = V::decode(&mut RowRef(std::slice::from_ref(value)), 0);
    decoded.map_err(|error| error.into_message().into_owned()).and_then(|value| check(&value))
}

/// Defines a trait that only checks: it holds for every type of which another trait holds, so
/// that rustc, having no list of types to print, says no more than the message.
macro_rules! check {
    ($(#[$attribute:meta])* $name:ident for $bound:path) => {
        $(#[$attribute])*
        pub trait $name {
            /// Named by the derive, so that rustc checks the type.
            const CHECK: () = ();
        }

        #[diagnostic::do_not_recommend]
        impl<V: $bound> $name for V {}
    };
}

check! {
    /// What the store generates for `auto`.
    #[diagnostic::on_unimplemented(
        message = "the store cannot generate `{Self}`",
        label = "`auto` columns are `i64`, `i32`, `u32`, `Uuid` or `String`"
    )]
    AutoColumn for Generated
}

check! {
    /// What `created_at`, `updated_at` and `soft_delete` can be, the last in an `Option`.
    #[diagnostic::on_unimplemented(
        message = "the store cannot tell the time as `{Self}`",
        label = "not a moment that is the same everywhere",
        note = "`created_at` and `updated_at` columns are `DateTime<Utc>`, `soft_delete` columns `Option<DateTime<Utc>>`; with the feature of that name also the moments of `jiff` and `time`"
    )]
    TimestampColumn for Moment
}

check! {
    /// What `version` can be.
    #[diagnostic::on_unimplemented(
        message = "the store cannot count writes in `{Self}`",
        label = "`version` columns are `i64`, `i32` or `u32`"
    )]
    VersionColumn for Counter
}

check! {
    /// What `text` searches.
    #[diagnostic::on_unimplemented(
        message = "`text` searches words, and `{Self}` has none",
        label = "`text` columns are `String` or `Option<String>`"
    )]
    FullTextColumn for TextColumn
}

check! {
    /// What `metadata` can be without `json`.
    #[diagnostic::on_unimplemented(
        message = "metadata is JSON, and `{Self}` is not",
        label = "write `#[table(json, metadata)]`, or use `serde_json::Value`"
    )]
    MetadataColumn for Document
}

check! {
    /// What `index` and `unique` can be.
    #[diagnostic::on_unimplemented(
        message = "a column of `{Self}` cannot be indexed",
        label = "JSON, lists and vectors have no order to index by",
        note = "index another column, or keep the part to look for in a column of its own"
    )]
    IndexedColumn for Ordered
}

check! {
    /// What can be a part of a key of several columns.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a key",
        label = "a key needs exact equality, an order, and no NULL",
        note = "use an integer, String, Uuid, bool, Vec<u8> or a date-time"
    )]
    KeyPart for KeyColumn
}

/// The types of [`AutoColumn`].
pub trait Generated {}
impl Generated for i64 {}
impl Generated for i32 {}
impl Generated for u32 {}
impl Generated for Uuid {}
impl Generated for String {}

/// The types of [`TimestampColumn`]; their columns are [`DateTime`](crate::ColumnType::DateTime).
pub trait Moment {}
impl Moment for DateTime<Utc> {}
#[cfg(feature = "jiff")]
impl Moment for jiff::Timestamp {}
#[cfg(feature = "time")]
impl Moment for time::OffsetDateTime {}
#[cfg(feature = "time")]
impl Moment for time::UtcDateTime {}

/// The types of [`VersionColumn`].
pub trait Counter {}
impl Counter for i64 {}
impl Counter for i32 {}
impl Counter for u32 {}

/// The types of [`MetadataColumn`].
pub trait Document {}
impl Document for serde_json::Value {}
impl Document for Option<serde_json::Value> {}
