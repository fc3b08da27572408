//! Names of the files of a table and of a key-value store: the key's values, one after the other.

use chrono::{DateTime, Days, NaiveDate, TimeDelta};
use storehouse_runtime::{ColumnType, EncodedKey, Value};
use uuid::Uuid;

use super::{SHORTENED, decode, encode, push_hex, shortened};

/// What stands between the values of a key of several columns. It is escaped in them.
const SEPARATOR: char = ',';

/// The name for a key's file, without its ending; the same for equal keys, and another for others.
///
/// ```
/// use storehouse_filesystem::names::key_name;
/// use storehouse_runtime::{EncodedKey, Value};
///
/// let key = EncodedKey::from(vec![Value::Text("A/1".into()), Value::Int(-7)]);
/// assert_eq!(key_name(&key), "+a%2f1,-7");
/// ```
pub fn key_name(key: &EncodedKey) -> String {
    let mut name = String::new();
    for (position, value) in key.values().iter().enumerate() {
        if position > 0 {
            name.push(SEPARATOR);
        }
        name.push_str(&encode(&text_of(value)));
    }
    shortened(name)
}

/// The key of one column that a file's name, without its ending, is made of; `None` where it is
/// shortened, and where it is no name of such a key.
pub fn key_from_name(name: &str, key_type: ColumnType) -> Option<EncodedKey> {
    if name.contains(SHORTENED) {
        return None;
    }
    let text = decode(name)?;
    let value = match key_type {
        ColumnType::Text => Value::Text(text),
        ColumnType::Uuid => Value::Uuid(Uuid::parse_str(&text).ok()?),
        ColumnType::Bool => Value::Bool(text.parse().ok()?),
        column_type if column_type.integer_range().is_some() => Value::Int(text.parse().ok()?),
        // The others are read from the file.
        _ => return None,
    };
    let key = EncodedKey::single(value);
    (key_name(&key) == name).then_some(key)
}

/// A value in words. Values of one column that are equal have one text, and others another.
fn text_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Uuid(value) => value.to_string(),
        Value::Bytes(bytes) => bytes.iter().fold(String::new(), |mut text, byte| {
            push_hex(&mut text, *byte);
            text
        }),
        Value::Decimal(value) => value.to_string(),
        Value::DateTime(micros) => DateTime::from_timestamp_micros(*micros)
            .map_or_else(|| counted(*micros), |at| at.format("%Y-%m-%d %H-%M-%S%.6f").to_string()),
        Value::Date(days) => date(*days)
            .map_or_else(|| counted(i64::from(*days)), |date| date.format("%Y-%m-%d").to_string()),
        Value::Time(micros) => {
            let time = chrono::NaiveTime::MIN + TimeDelta::microseconds(*micros);
            time.format("%H-%M-%S%.6f").to_string()
        }
        Value::Int(value) => value.to_string(),
        // No key has another type.
        other => format!("{other:?}"),
    }
}

/// A moment that no calendar has a date for, by its distance from 1970.
fn counted(number: i64) -> String {
    format!("1970{number:+}")
}

fn date(days: i32) -> Option<NaiveDate> {
    let epoch = NaiveDate::default();
    let distance = Days::new(u64::from(days.unsigned_abs()));
    if days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(value: Value) -> String {
        key_name(&EncodedKey::single(value))
    }

    #[test]
    fn each_type_of_key_is_readable() {
        assert_eq!(name(Value::Int(i64::MIN)), "-9223372036854775808");
        assert_eq!(name(Value::Uuid(Uuid::nil())), "00000000-0000-0000-0000-000000000000");
        assert_eq!(name(Value::Bytes(vec![0, 255])), "00ff");
        assert_eq!(name(Value::Bytes(vec![])), "%");
        assert_eq!(name(Value::DateTime(1)), "1970-01-01 00-00-00.000001");
        assert_eq!(name(Value::DateTime(i64::MAX - 1)), "1970%2b9223372036854775806");
        assert_eq!(name(Value::Date(-1)), "1969-12-31");
        assert_eq!(name(Value::Time(86_399_999_999)), "23-59-59.999999");
    }

    #[test]
    fn a_key_of_several_columns_cannot_be_taken_for_another() {
        let name = |values: [&str; 2]| {
            key_name(&values.map(|value| Value::Text(value.into())).into_iter().collect())
        };
        assert_eq!(name(["a,b", "c"]), "a%2cb,c");
        assert_eq!(name(["a", "b,c"]), "a,b%2cc");
        assert_eq!(name(["", ""]), "%,%");
    }

    #[test]
    fn a_long_key_is_shortened_and_stays_its_own() {
        let (one, other) = ("x".repeat(300), format!("{}y", "x".repeat(299)));
        let [one, other] = [one, other].map(|text| name(Value::Text(text)));
        assert_ne!(one, other);
        assert!(one.len() <= 128 && one.starts_with("xxxx"));
        assert_eq!(key_from_name(&one, ColumnType::Text), None);
    }

    #[test]
    fn a_key_comes_back_from_its_name() {
        for (value, key_type) in [
            (Value::Int(-5), ColumnType::I8),
            (Value::Text("A/..".into()), ColumnType::Text),
            (Value::Bool(true), ColumnType::Bool),
            (Value::Uuid(Uuid::max()), ColumnType::Uuid),
        ] {
            let key = EncodedKey::single(value);
            assert_eq!(key_from_name(&key_name(&key), key_type), Some(key));
        }
        for name in ["007", "+5", "%2b5", "x"] {
            assert_eq!(key_from_name(name, ColumnType::I64), None, "{name}");
        }
    }
}
