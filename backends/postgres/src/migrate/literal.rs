//! Values as they are written in SQL.

use std::fmt::Write as _;

use storehouse_runtime::{ColumnType, Error, Result, Value, codec::f16_to_f32};

const MICROSECONDS_OF_A_DAY: i64 = 86_400_000_000;

/// The value of a column of that type, as it is written in a statement.
pub(super) fn literal(value: &Value, column_type: ColumnType, declared: &str) -> Result<String> {
    Ok(match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => format!("'{number}'::{declared}"),
        Value::Float(number) => {
            let text = if number.is_infinite() {
                if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
            } else {
                format!("{number:?}")
            };
            format!("'{text}'::{declared}")
        }
        Value::Text(text) => quoted(text),
        Value::Bytes(bytes) => {
            let mut hex = String::with_capacity(bytes.len() * 2 + 12);
            for byte in bytes {
                let _ = write!(hex, "{byte:02x}");
            }
            format!("decode('{hex}', 'hex')")
        }
        Value::Uuid(uuid) => format!("'{uuid}'::uuid"),
        // Days and the rest apart, since PostgreSQL multiplies intervals as floating-point numbers.
        Value::DateTime(microseconds) => {
            let (days, rest) = (
                microseconds.div_euclid(MICROSECONDS_OF_A_DAY),
                microseconds.rem_euclid(MICROSECONDS_OF_A_DAY),
            );
            let zone = if column_type == ColumnType::DateTime { " AT TIME ZONE 'UTC'" } else { "" };
            format!(
                "((timestamp '1970-01-01' + interval '1 day' * {days} + interval '1 microsecond' * \
                 {rest}){zone})"
            )
        }
        Value::Date(days) => format!("(date '1970-01-01' + {days})"),
        Value::Time(microseconds) => {
            format!("(time '00:00' + interval '1 microsecond' * {microseconds})")
        }
        Value::Json(document) => format!("{}::jsonb", quoted(&document.to_string())),
        Value::TextList(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            format!("ARRAY[{}]::text[]", texts.join(", "))
        }
        Value::Decimal(number) => format!("'{number}'::{declared}"),
        Value::FloatList(numbers) => reals(numbers.iter().copied(), declared),
        Value::F16List(halves) => reals(halves.iter().copied().map(f16_to_f32), declared),
        Value::I8List(integers) => reals(integers.iter().copied().map(f32::from), declared),
        other => {
            return Err(Error::validation(format!(
                "{} cannot be a default that is filled into rows yet",
                other.kind()
            )));
        }
    })
}

/// A list of numbers. An array of another kind, and pgvector's types, are made from one of `real`.
fn reals(numbers: impl Iterator<Item = f32>, declared: &str) -> String {
    let numbers: Vec<String> = numbers
        .map(|number| match number {
            number if number.is_infinite() && number > 0.0 => "'Infinity'".to_owned(),
            number if number.is_infinite() => "'-Infinity'".to_owned(),
            number => format!("'{number:?}'"),
        })
        .collect();
    format!("ARRAY[{}]::real[]::{declared}", numbers.join(", "))
}

/// Text as it is written in a statement, whatever `standard_conforming_strings` says.
fn quoted(text: &str) -> String {
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}
