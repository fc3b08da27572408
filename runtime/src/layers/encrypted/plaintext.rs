//! A value as the bytes that are sealed.

use serde_json::Value as Json;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    column_type::ColumnType,
    error::{Error, Result},
    value::Value,
};

/// The value in bytes; the first says of which kind it is.
pub(super) fn write(value: &Value) -> Result<Zeroizing<Vec<u8>>> {
    let bytes = match value {
        Value::Bool(value) => tagged(b'b', &[u8::from(*value)]),
        Value::Int(value) => tagged(b'i', &value.to_le_bytes()),
        Value::Float(value) => tagged(b'f', &value.to_bits().to_le_bytes()),
        Value::Text(value) => tagged(b't', value.as_bytes()),
        Value::Bytes(value) => tagged(b'y', value),
        Value::Uuid(value) => tagged(b'u', value.as_bytes()),
        Value::DateTime(value) => tagged(b'd', &value.to_le_bytes()),
        Value::Date(value) => tagged(b'D', &value.to_le_bytes()),
        Value::Time(value) => tagged(b'T', &value.to_le_bytes()),
        Value::Json(value) => tagged(b'j', value.to_string().as_bytes()),
        _ => return Err(Error::validation("a value of this type cannot be encrypted; use JSON")),
    };
    Ok(Zeroizing::new(bytes))
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(1 + bytes.len());
    all.push(tag);
    all.extend(bytes);
    all
}

/// The value again; fails where the bytes are none of that type.
pub(super) fn read(value_type: ColumnType, bytes: &[u8]) -> Result<Value, String> {
    parse(bytes).filter(|value| is_of(value, value_type)).ok_or_else(|| {
        format!("it is no value of type {value_type:?}; open the store with the type that it has")
    })
}

fn parse(bytes: &[u8]) -> Option<Value> {
    let (tag, bytes) = bytes.split_first()?;
    let long = || bytes.try_into().ok().map(i64::from_le_bytes);
    Some(match tag {
        b'b' => Value::Bool(*bytes == [1]),
        b'i' => Value::Int(long()?),
        b'f' => Value::Float(f64::from_bits(u64::from_le_bytes(bytes.try_into().ok()?))),
        b't' => Value::Text(str::from_utf8(bytes).ok()?.to_owned()),
        b'y' => Value::Bytes(bytes.to_vec()),
        b'u' => Value::Uuid(Uuid::from_slice(bytes).ok()?),
        b'd' => Value::DateTime(long()?),
        b'D' => Value::Date(i32::from_le_bytes(bytes.try_into().ok()?)),
        b'T' => Value::Time(long()?),
        b'j' => Value::Json(serde_json::from_slice::<Json>(bytes).ok()?),
        _ => return None,
    })
}

fn is_of(value: &Value, value_type: ColumnType) -> bool {
    match value_type {
        ColumnType::Bool => matches!(value, Value::Bool(_)),
        ColumnType::I8
        | ColumnType::I16
        | ColumnType::I32
        | ColumnType::I64
        | ColumnType::U8
        | ColumnType::U16
        | ColumnType::U32 => matches!(value, Value::Int(_)),
        ColumnType::F32 | ColumnType::F64 => matches!(value, Value::Float(_)),
        ColumnType::Text => matches!(value, Value::Text(_)),
        ColumnType::Bytes => matches!(value, Value::Bytes(_)),
        ColumnType::Uuid => matches!(value, Value::Uuid(_)),
        ColumnType::DateTime | ColumnType::LocalDateTime => matches!(value, Value::DateTime(_)),
        ColumnType::Date => matches!(value, Value::Date(_)),
        ColumnType::Time => matches!(value, Value::Time(_)),
        ColumnType::Json => matches!(value, Value::Json(_)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_come_back_as_they_were() {
        let values = [
            (ColumnType::Bool, Value::Bool(true)),
            (ColumnType::Bool, Value::Bool(false)),
            (ColumnType::I64, Value::Int(i64::MIN)),
            (ColumnType::F64, Value::Float(-0.0)),
            (ColumnType::F64, Value::Float(f64::INFINITY)),
            (ColumnType::Text, Value::Text("é".into())),
            (ColumnType::Bytes, Value::Bytes(vec![0, 255])),
            (ColumnType::Uuid, Value::Uuid(Uuid::from_u128(7))),
            (ColumnType::DateTime, Value::DateTime(-1)),
            (ColumnType::Date, Value::Date(-1)),
            (ColumnType::Time, Value::Time(86_399_999_999)),
            (ColumnType::Json, Value::Json(json!({"a": [1, 2.5, u64::MAX, null]}))),
        ];
        for (value_type, value) in values {
            let bytes = write(&value).unwrap();
            let back = read(value_type, &bytes).unwrap();
            assert_eq!(back, value);
            if let (Value::Float(back), Value::Float(value)) = (back, value) {
                assert_eq!(back.to_bits(), value.to_bits());
            }
        }
    }

    #[test]
    fn another_type_is_refused() {
        let bytes = write(&Value::Int(7)).unwrap();
        assert!(read(ColumnType::Text, &bytes).unwrap_err().contains("type Text"));
        for bytes in [&b""[..], b"x", b"i123", b"t\xff", b"j{"] {
            assert!(read(ColumnType::Json, bytes).is_err(), "{bytes:?}");
        }
        assert!(write(&Value::Null).is_err());
    }
}
