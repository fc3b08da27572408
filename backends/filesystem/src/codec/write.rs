//! Writing values as JSON text.

use serde::Serialize;
use serde_json::Value as Json;
use storehouse_runtime::{ColumnDef, ColumnType, Value, codec::f16_to_f32};

use super::{INFINITY, NEGATIVE_INFINITY, WRAPPED};

/// An object with a member for each column, and a new line at the end.
pub(crate) fn write_members<'a>(
    members: impl IntoIterator<Item = (&'a ColumnDef, &'a Value)>,
) -> Vec<u8> {
    let mut text = String::from("{");
    for (position, (column, value)) in members.into_iter().enumerate() {
        text.push_str(if position > 0 { ",\n  " } else { "\n  " });
        push_compact(&mut text, &*column.name);
        text.push_str(": ");
        push_value(&mut text, column, value);
    }
    text.push_str("\n}\n");
    text.into_bytes()
}

fn push_value(text: &mut String, column: &ColumnDef, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Float(number) if column.column_type == ColumnType::F32 => push_f32(text, *number),
        Value::Float(number) => push_f64(text, *number),
        Value::FloatList(list) => {
            push_list(text, list, |text, number| push_f32(text, f64::from(*number)));
        }
        Value::F16List(list) => {
            push_list(text, list, |text, bits| push_f32(text, f64::from(f16_to_f32(*bits))));
        }
        Value::I8List(list) => push_list(text, list, push_compact),
        Value::Json(document) if column.nullable && is_ambiguous(document) => {
            push_pretty(text, &serde_json::json!({ WRAPPED: document }));
        }
        Value::Json(document) => push_pretty(text, document),
        Value::TextList(list) => push_pretty(text, list),
        value => match column.value_to_json(value) {
            Ok(json) => push_compact(text, &json),
            // A moment that no calendar has a date for, by its distance from 1970.
            Err(_) => text.push_str(&counted(value).to_string()),
        },
    }
}

/// Whether a document would be read as something else if it stood there as it is.
fn is_ambiguous(document: &Json) -> bool {
    match document {
        Json::Null => true,
        Json::Object(members) => members.len() == 1 && members.contains_key(WRAPPED),
        _ => false,
    }
}

fn counted(value: &Value) -> i64 {
    match value {
        Value::DateTime(number) | Value::Time(number) => *number,
        Value::Date(number) => i64::from(*number),
        // Every other value has a form in JSON.
        _ => 0,
    }
}

fn push_f64(text: &mut String, number: f64) {
    if number.is_infinite() {
        push_compact(text, if number > 0.0 { INFINITY } else { NEGATIVE_INFINITY });
    } else {
        push_compact(text, &number);
    }
}

/// The shortest number that is read as this `f32`: 0.1, where 64 bits have 0.10000000149011612.
fn push_f32(text: &mut String, number: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "the column holds what fits an f32")]
    let narrow = number as f32;
    let short = narrow.to_string().parse::<f64>();
    #[expect(clippy::cast_possible_truncation, reason = "this is what reading it does")]
    let comes_back = short.is_ok_and(|short| (short as f32).to_bits() == narrow.to_bits());
    if narrow.is_finite() && comes_back && f64::from(narrow).to_bits() == number.to_bits() {
        push_compact(text, &narrow);
    } else {
        push_f64(text, number);
    }
}

fn push_list<T>(text: &mut String, list: &[T], push: impl Fn(&mut String, &T)) {
    text.push('[');
    for (position, element) in list.iter().enumerate() {
        if position > 0 {
            text.push_str(", ");
        }
        push(text, element);
    }
    text.push(']');
}

fn push_compact(text: &mut String, value: &(impl Serialize + ?Sized)) {
    // Text, numbers and what consists of them do not fail to be written.
    text.push_str(&serde_json::to_string(value).unwrap_or_default());
}

/// Over several lines, each as far in as a member's value is.
fn push_pretty(text: &mut String, value: &impl Serialize) {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    // A text within has no line breaks: they are escaped.
    for (position, line) in pretty.lines().enumerate() {
        text.push_str(if position > 0 { "\n  " } else { "" });
        text.push_str(line);
    }
}
