//! From one declared type to another without loss, and values as they are written in SQL.

use std::fmt::Write as _;

use rusqlite::types::Value as SqlValue;
use storehouse_runtime::{ColumnType, Error, Result, Value};

use crate::{bind, ddl::declared_type};

/// How a column's values become those of another type.
pub(super) struct Conversion {
    /// The value, of a column's name.
    pub(super) value: fn(&str) -> String,
    /// Which values would be changed by it, of a column's name; none where none can.
    pub(super) lossy: Option<String>,
    /// What such values are, in words.
    pub(super) why: &'static str,
}

/// How a column that is declared as `declared` becomes one of `wanted`, where it can.
///
/// `column` is the column's quoted name in the database as it is.
pub(super) fn conversion(declared: &str, wanted: ColumnType, column: &str) -> Option<Conversion> {
    let declared = declared.to_ascii_uppercase();
    let is = |part: &str| declared.contains(part);
    let is_integer = is("INT");
    let is_text = !is_integer && (is("CHAR") || is("CLOB") || is("TEXT"));
    let is_number = !is_integer && !is_text && declared != "BLOB";
    let range = match wanted {
        ColumnType::Bool => Some((0, 1)),
        other => other.integer_range(),
    };
    let given = format!("{column} IS NOT NULL AND ");
    let outside = |(least, greatest): (i64, i64)| {
        format!("CAST({column} AS INTEGER) NOT BETWEEN {} AND {greatest}", integer(least))
    };
    match (wanted, range) {
        (ColumnType::Text, _) if is_integer => Some(Conversion {
            value: |column| format!("CAST({column} AS TEXT)"),
            lossy: None,
            why: "",
        }),
        (ColumnType::F32 | ColumnType::F64, _) if is_integer => {
            let exact =
                if wanted == ColumnType::F32 { 16_777_216 } else { 9_007_199_254_740_992_i64 };
            Some(Conversion {
                value: |column| format!("CAST({column} AS REAL)"),
                lossy: Some(format!("{given}{column} NOT BETWEEN -{exact} AND {exact}")),
                why: "are larger than a floating-point number holds exactly",
            })
        }
        (_, Some(range)) if is_number => Some(Conversion {
            value: |column| format!("CAST({column} AS INTEGER)"),
            lossy: Some(format!(
                "{given}(typeof({column}) NOT IN ('integer', 'real') \
                 OR {column} <> CAST({column} AS INTEGER) OR {})",
                outside(range)
            )),
            why: "are not whole numbers of that type",
        }),
        (_, Some(range)) if is_text => Some(Conversion {
            value: |column| format!("CAST({column} AS INTEGER)"),
            lossy: Some(format!(
                "{given}({column} <> CAST(CAST({column} AS INTEGER) AS TEXT) OR {})",
                outside(range)
            )),
            why: "are not whole numbers of that type",
        }),
        (ColumnType::Bytes, _) if is_text => Some(Conversion {
            value: |column| format!("CAST({column} AS BLOB)"),
            lossy: None,
            why: "",
        }),
        (ColumnType::Uuid, _) if is_text => {
            let digits = |count| "[0-9a-f]".repeat(count);
            let pattern = [8, 4, 4, 4, 12].map(digits).join("-");
            Some(Conversion {
                value: |column| format!("unhex({column}, '-')"),
                lossy: Some(format!("{given}{column} NOT GLOB '{pattern}'")),
                why: "are not UUIDs in lower case",
            })
        }
        _ => None,
    }
}

/// Which values of a column do not belong there by its type, where the table does not see to that
/// itself.
pub(super) fn misfit(wanted: ColumnType, column: &str) -> String {
    let kinds = match declared_type(wanted) {
        "ANY" => "'real', 'integer'",
        "TEXT" => "'text'",
        "BLOB" => "'blob'",
        _ => "'integer'",
    };
    format!("typeof({column}) NOT IN ('null', {kinds})")
}

/// The value as it is written in a statement.
pub(super) fn literal(value: &Value) -> Result<String> {
    let stored = bind::stored(value).map_err(|error| {
        Error::validation(format!("the default value cannot be written as SQL: {error}"))
    })?;
    Ok(match stored {
        SqlValue::Null => "NULL".to_owned(),
        SqlValue::Integer(number) => integer(number),
        SqlValue::Real(number) if number.is_infinite() => {
            if number > 0.0 { "9e999" } else { "-9e999" }.to_owned()
        }
        SqlValue::Real(number) => format!("{number:?}"),
        SqlValue::Text(text) => text_literal(&text),
        SqlValue::Blob(bytes) => {
            let mut hex = String::with_capacity(bytes.len() * 2 + 3);
            hex.push_str("X'");
            for byte in bytes {
                let _ = write!(hex, "{byte:02X}");
            }
            hex.push('\'');
            hex
        }
    })
}

/// Text as it is written in a statement.
pub(super) fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The least integer has no literal of its own in SQLite outside of hexadecimal.
fn integer(number: i64) -> String {
    if number == i64::MIN { "0x8000000000000000".to_owned() } else { number.to_string() }
}
