//! A test of what lies at a path, as data: evaluated in memory, and checked against its column.

use super::{JsonPath, JsonType};
use crate::{
    column_type::ColumnType,
    definition::ColumnDef,
    error::{Error, Result},
    filter::{Comparison, LikePattern},
    value::Value,
};

/// What is asked of the value at a path.
///
/// A value that is read as a type is NULL when nothing is there, or something of another type:
/// a comparison with it is then neither true nor false.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum JsonTest {
    /// Something is there, `null` included. Never unknown.
    Exists,
    /// Nothing is there, or `null`. Never unknown.
    IsNull,
    /// What is there is not of this type. Never unknown.
    IsNullAs(JsonType),
    /// It compares so with a value.
    Compare {
        /// What it is read as.
        read_as: JsonType,
        /// How to compare.
        comparison: Comparison,
        /// What to compare with; never NULL.
        value: Value,
    },
    /// It equals one of some values, of which there is at least one and none is NULL.
    InList {
        /// What it is read as.
        read_as: JsonType,
        /// What to compare with.
        values: Vec<Value>,
    },
    /// The text matches a pattern.
    Like {
        /// The pattern, with `%`, `_` and `\`.
        pattern: String,
    },
    /// The text begins so.
    StartsWith {
        /// What it begins with.
        prefix: String,
    },
    /// The text contains this.
    Contains {
        /// What it contains.
        part: String,
    },
}

impl JsonTest {
    /// What the value is read as; `None` when it is only asked whether it is there.
    pub const fn read_as(&self) -> Option<JsonType> {
        match self {
            Self::Exists | Self::IsNull => None,
            Self::IsNullAs(read_as)
            | Self::Compare { read_as, .. }
            | Self::InList { read_as, .. } => Some(*read_as),
            Self::Like { .. } | Self::StartsWith { .. } | Self::Contains { .. } => {
                Some(JsonType::Text)
            }
        }
    }

    /// True, false, or `None` where NULL makes it neither, of the value of a JSON column.
    pub(crate) fn evaluate(&self, column: &Value, path: &JsonPath) -> Option<bool> {
        let found = match column {
            Value::Json(document) => path.find(document),
            _ => None,
        };
        let Some(read_as) = self.read_as() else {
            return Some(match self {
                Self::Exists => found.is_some(),
                _ => found.is_none_or(serde_json::Value::is_null),
            });
        };
        let of_no_value = || matches!(self, Self::IsNullAs(_)).then_some(true);
        if read_as == JsonType::Text {
            // Compared where it lies, without a copy for each row.
            return match found.and_then(serde_json::Value::as_str) {
                Some(text) => Some(self.holds_for_text(text)),
                None => of_no_value(),
            };
        }
        let value = found.map_or(Value::Null, |found| read_as.read(found));
        if value.is_null() {
            return of_no_value();
        }
        Some(match self {
            Self::Compare { comparison, value: other, .. } => {
                comparison.holds(value.compare(other))
            }
            Self::InList { values, .. } => values.iter().any(|other| value.compare(other).is_eq()),
            _ => false,
        })
    }

    fn holds_for_text(&self, text: &str) -> bool {
        match self {
            Self::Compare { comparison, value: Value::Text(other), .. } => {
                comparison.holds(text.as_bytes().cmp(other.as_bytes()))
            }
            Self::InList { values, .. } => {
                values.iter().any(|other| matches!(other, Value::Text(other) if other == text))
            }
            Self::Like { pattern } => {
                LikePattern::parse(pattern).is_ok_and(|pattern| pattern.matches(text))
            }
            Self::StartsWith { prefix } => text.starts_with(prefix.as_str()),
            Self::Contains { part } => text.contains(part.as_str()),
            _ => false,
        }
    }

    /// Fails with [`Error::Validation`] when the column is not JSON, the path is malformed, or a
    /// value is not of the type that it is compared as.
    pub(crate) fn check(&self, column: &ColumnDef, path: &JsonPath) -> Result<()> {
        if column.column_type != ColumnType::Json {
            return Err(Error::validation(format!(
                "column `{}` holds {}, which no path leads into; only JSON columns have paths",
                column.name,
                column.column_type.rust_name()
            )));
        }
        path.check()?;
        let place = || format!("`{}` at `{path}`", column.name);
        let check = |read_as: JsonType, value: &Value| match (read_as, value) {
            (JsonType::Integer, Value::Int(_)) | (JsonType::Bool, Value::Bool(_)) => Ok(()),
            (JsonType::Number, Value::Float(number)) if !number.is_nan() => Ok(()),
            (JsonType::Number, Value::Float(_)) => Err(Error::validation(format!(
                "{} cannot be compared with NaN, which equals nothing, not even itself",
                place()
            ))),
            (JsonType::Text, Value::Text(text)) => check_text(text, place),
            (read_as, value) => Err(Error::validation(format!(
                "{} is read as {}, and cannot be compared with {}",
                place(),
                read_as.column_type().rust_name(),
                value.kind()
            ))),
        };
        match self {
            Self::Exists | Self::IsNull | Self::IsNullAs(_) => Ok(()),
            Self::Compare { read_as, value, .. } => check(*read_as, value),
            Self::InList { read_as, values } => {
                values.iter().try_for_each(|value| check(*read_as, value))
            }
            Self::Like { pattern } => {
                check_text(pattern, place)?;
                LikePattern::parse(pattern).map(drop)
            }
            Self::StartsWith { prefix: text } | Self::Contains { part: text } => {
                check_text(text, place)
            }
        }
    }
}

fn check_text(text: &str, place: impl Fn() -> String) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::validation(format!(
            "{} cannot be compared with a text that has the NUL character, \
             which no stored document has",
            place()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_table;

    #[test]
    fn what_is_missing_or_of_another_type_is_unknown() {
        let path = JsonPath::from("a");
        let greater = JsonTest::Compare {
            read_as: JsonType::Integer,
            comparison: Comparison::Greater,
            value: Value::Int(3),
        };
        let evaluate =
            |test: &JsonTest, json| test.evaluate(&Value::Json(json), &JsonPath::from("a"));
        assert_eq!(evaluate(&greater, json!({"a": 4})), Some(true));
        assert_eq!(evaluate(&greater, json!({"a": 3.0})), Some(false));
        for unknown in
            [json!({}), json!({"a": null}), json!({"a": "4"}), json!({"a": 4.5}), json!(4)]
        {
            assert_eq!(evaluate(&greater, unknown.clone()), None, "{unknown}");
            let is_null = JsonTest::IsNullAs(JsonType::Integer);
            assert_eq!(evaluate(&is_null, unknown), Some(true));
        }
        assert_eq!(greater.evaluate(&Value::Null, &path), None);
        assert_eq!(JsonTest::Exists.evaluate(&Value::Null, &path), Some(false));
        assert_eq!(JsonTest::IsNull.evaluate(&Value::Null, &path), Some(true));
        assert_eq!(evaluate(&JsonTest::Exists, json!({"a": null})), Some(true));
        assert_eq!(evaluate(&JsonTest::IsNull, json!({"a": null})), Some(true));
        assert_eq!(evaluate(&JsonTest::IsNull, json!({"a": false})), Some(false));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let definition = test_table::definition();
        let mut column = definition.columns[3].clone();
        let refused = |column: &ColumnDef, test: JsonTest, path: &str| {
            test.check(column, &JsonPath::from(path)).unwrap_err().to_string()
        };
        assert!(refused(&column, JsonTest::Exists, "a").contains("only JSON columns"));
        column.column_type = ColumnType::Json;
        JsonTest::Exists.check(&column, &JsonPath::from("a")).unwrap();
        assert!(refused(&column, JsonTest::Exists, "a[").contains("brackets"));
        let comparison = Comparison::Equal;
        let compare = |read_as, value| JsonTest::Compare { read_as, comparison, value };
        let message = refused(&column, compare(JsonType::Integer, Value::Text("x".into())), "a.b");
        assert_eq!(message, "`note` at `a.b` is read as i64, and cannot be compared with text");
        let nan = compare(JsonType::Number, Value::Float(f64::NAN));
        assert!(refused(&column, nan, "a").contains("NaN"));
        let nul = JsonTest::Contains { part: "\0".into() };
        assert!(refused(&column, nul, "a").contains("NUL"));
        let lone = JsonTest::Like { pattern: "\\".into() };
        assert!(refused(&column, lone, "a").contains("lone"));
    }
}
