//! Types of keys and values, and how each is stored.

use std::any::{Any, TypeId};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    codec::{ColumnSource, ColumnValue, DecodeError, EncodeError, KeyColumn, json},
    column_type::ColumnType,
    maybe_send::{MaybeSend, MaybeSync},
    table::TableKey,
    value::Value,
};

/// A type of keys: an integer, `String`, `Uuid`, `bool`, `Vec<u8>`, a date-time, or a type of one's
/// own that derives `TableNewtype` or `TableEnum`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a key-value store",
    label = "a key needs exact equality, an order, and no NULL",
    note = "use an integer, String, Uuid, bool, Vec<u8>, a date-time, or derive `TableNewtype`"
)]
pub trait KvKey: TableKey + KeyColumn {}

#[diagnostic::do_not_recommend]
impl<K: TableKey + KeyColumn> KvKey for K {}

/// A type of values: anything that serde writes and reads.
///
/// `Vec<u8>`, `String`, `bool`, `i8` to `i64`, `u8` to `u32`, `f32`, `f64`, `Uuid` and chrono's
/// date-times are stored as a column of that type is: bytes as bytes, integers as integers.
/// Everything else is JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a key-value store",
    label = "not a type that serde writes and reads",
    note = "write `#[derive(Serialize, Deserialize)]` above it; it must own what it holds"
)]
pub trait KvValue: Serialize + DeserializeOwned + MaybeSend + MaybeSync + 'static {}

#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned + MaybeSend + MaybeSync + 'static> KvValue for V {}

/// A type of values that can be counted up: `i8` to `i64`, `u8` to `u32`.
#[diagnostic::on_unimplemented(
    message = "a value of `{Self}` cannot be incremented",
    label = "only `i8` to `i64` and `u8` to `u32` can",
    note = "use `compare_and_swap` in a loop for other types"
)]
pub trait KvInteger: KvValue + TryFrom<i64> {}

/// Calls a macro with the types that are stored as a column of that type is.
macro_rules! with_native_types {
    ($do:ident) => {
        $do!(
            Vec<u8>,
            String,
            bool,
            i8,
            i16,
            i32,
            i64,
            u8,
            u16,
            u32,
            f32,
            f64,
            Uuid,
            DateTime<Utc>,
            NaiveDateTime,
            NaiveDate,
            NaiveTime
        )
    };
}

macro_rules! integers {
    ($($integer:ty),*) => { $(impl KvInteger for $integer {})* };
}
integers!(i8, i16, i32, i64, u8, u16, u32);

/// How values of `V` are stored.
pub(super) fn column_type<V: KvValue>() -> ColumnType {
    let wanted = TypeId::of::<V>();
    macro_rules! find {
        ($($native:ty),*) => {
            $(if wanted == TypeId::of::<$native>() { return <$native as ColumnValue>::TYPE; })*
        };
    }
    with_native_types!(find);
    ColumnType::Json
}

/// The value to store.
pub(super) fn encode<V: KvValue>(value: &V) -> Result<Value, EncodeError> {
    let given: &dyn Any = value;
    macro_rules! find {
        ($($native:ty),*) => {
            $(if let Some(native) = given.downcast_ref::<$native>() {
                return Ok(native.to_value());
            })*
        };
    }
    with_native_types!(find);
    json::encode(value, super::definition::VALUE)
}

/// Reads a value back.
pub(super) fn decode<V: KvValue>(
    source: &mut dyn ColumnSource,
    column: usize,
) -> Result<V, DecodeError> {
    let wanted = TypeId::of::<V>();
    macro_rules! find {
        ($($native:ty),*) => {
            $(if wanted == TypeId::of::<$native>() {
                // The same type by another name; in an `Option`, so that it can be taken out.
                let mut native = Some(<$native as ColumnValue>::decode(source, column)?);
                let same = (&mut native as &mut dyn Any).downcast_mut::<Option<V>>();
                if let Some(value) = same.and_then(Option::take) {
                    return Ok(value);
                }
            })*
        };
    }
    with_native_types!(find);
    json::decode(source, column)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::value::EncodedRow;

    fn round_trip<V: KvValue + PartialEq + std::fmt::Debug>(value: &V, stored: &Value) {
        let encoded = encode(value).unwrap();
        assert_eq!(&encoded, stored);
        assert_eq!(&decode::<V>(&mut EncodedRow(vec![encoded]), 0).unwrap(), value);
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Setting {
        on: bool,
    }

    #[test]
    fn what_a_column_holds_is_stored_as_it_is() {
        round_trip(&vec![0_u8, 255], &Value::Bytes(vec![0, 255]));
        round_trip(&"text".to_owned(), &Value::Text("text".into()));
        round_trip(&-7_i32, &Value::Int(-7));
        assert_eq!(column_type::<Vec<u8>>(), ColumnType::Bytes);
        assert_eq!(column_type::<u16>(), ColumnType::U16);
    }

    #[test]
    fn everything_else_is_json() {
        round_trip(&Setting { on: true }, &Value::Json(serde_json::json!({"on": true})));
        round_trip(&u64::MAX, &Value::Json(u64::MAX.into()));
        round_trip(&vec![1_u16, 2], &Value::Json(serde_json::json!([1, 2])));
        round_trip(&None::<String>, &Value::Json(serde_json::Value::Null));
        assert_eq!(column_type::<Setting>(), ColumnType::Json);
    }
}
