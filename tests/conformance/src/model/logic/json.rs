//! What a path into a JSON column finds, and what it counts as.

use serde_json::Value as Json;
use storehouse_runtime::{JsonPath, JsonTest, JsonType, PathSegment, Value};

use super::{compare, equal, holds, like, text};

/// What a test says of a document: true, false, or `None` for SQL's unknown.
pub(super) fn evaluate(stored: &Value, path: &JsonPath, test: &JsonTest) -> Option<bool> {
    let found = match stored {
        Value::Null => None,
        Value::Json(document) => find(document, path.segments()),
        other => panic!("a path leads into {other:?}"),
    };
    let as_type = |read_as: JsonType| found.map_or(Value::Null, |found| read(found, read_as));
    let as_text = |matches: &dyn Fn(&str) -> bool| text(&as_type(JsonType::Text)).map(matches);
    match test {
        JsonTest::Exists => Some(found.is_some()),
        JsonTest::IsNull => Some(found.is_none() || found == Some(&Json::Null)),
        JsonTest::IsNullAs(read_as) => Some(as_type(*read_as) == Value::Null),
        JsonTest::Compare { read_as, comparison, value } => {
            compare(&as_type(*read_as), value).map(|ordering| holds(*comparison, ordering))
        }
        JsonTest::InList { read_as, values } => match as_type(*read_as) {
            Value::Null => None,
            stored => Some(values.iter().any(|value| equal(&stored, value))),
        },
        JsonTest::Like { pattern } => as_text(&|text| like(text, pattern)),
        JsonTest::StartsWith { prefix } => {
            as_text(&|text| text.as_bytes().starts_with(prefix.as_bytes()))
        }
        JsonTest::Contains { part } => as_text(&|text| text.contains(part.as_str())),
        other => panic!("the model does not know the test {other:?}"),
    }
}

fn find<'d>(document: &'d Json, segments: &[PathSegment]) -> Option<&'d Json> {
    let Some((first, rest)) = segments.split_first() else { return Some(document) };
    let inner = match (document, first) {
        (Json::Object(members), PathSegment::Key(name)) => members.get(name)?,
        (Json::Array(items), PathSegment::Index(place)) => items.get(*place as usize)?,
        _ => return None,
    };
    find(inner, rest)
}

fn read(found: &Json, read_as: JsonType) -> Value {
    match (found, read_as) {
        (Json::String(text), JsonType::Text) => Value::Text(text.clone()),
        (Json::Bool(truth), JsonType::Bool) => Value::Bool(*truth),
        (Json::Number(number), JsonType::Number) => {
            Value::Float(number.as_f64().expect("every number has a nearest float"))
        }
        (Json::Number(number), JsonType::Integer) => whole(&number.to_string()),
        _ => Value::Null,
    }
}

/// A number of JSON, from its digits, if it is whole and fits 64 bits: the digits without the
/// point, with as many zeros as the exponent asks for.
fn whole(number: &str) -> Value {
    let (digits, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let zeros = exponent - i32::try_from(fraction.len()).expect("few digits");
    let all = format!("{whole}{fraction}");
    let all = match usize::try_from(zeros) {
        Ok(zeros) if zeros < 40 => format!("{all}{}", "0".repeat(zeros)),
        // Digits behind the point are left unless they are zeros.
        _ => {
            let missing = usize::try_from(-zeros).unwrap_or(0);
            let stripped = all.trim_end_matches('0');
            if missing == 0 || all.len() - stripped.len() < missing {
                return if all.trim_start_matches('-').chars().all(|digit| digit == '0') {
                    Value::Int(0)
                } else {
                    Value::Null
                };
            }
            all[..all.len() - missing].to_owned()
        }
    };
    all.parse().map_or(Value::Null, Value::Int)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_by_hand() {
        for (number, expected) in [
            ("5", Some(5)),
            ("5.0", Some(5)),
            ("-5.0", Some(-5)),
            ("0.5", None),
            ("5.25", None),
            ("1e3", Some(1000)),
            ("1.5e3", Some(1500)),
            ("1.5e0", None),
            ("100e-2", Some(1)),
            ("1e-2", None),
            ("1e300", None),
            ("-0.0", Some(0)),
            ("0e-5", Some(0)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
        ] {
            assert_eq!(whole(number), expected.map_or(Value::Null, Value::Int), "{number}");
        }
    }
}
