//! The values that a document compares with, in the type of the column or of the place.

use serde_json::Value as Json;

use super::{condition::takes, operator::Operator, place::Place};
use crate::{
    error::{Error, Result},
    json_path::JsonType,
    value::Value,
};

/// From here on neighbouring integers are one floating-point number.
const EXACT: u64 = 1 << 53;

/// The values, and for a place in a JSON column the type that it is read as.
pub(super) fn operands(
    place: &Place<'_>,
    operator: Operator,
    operands: &[Json],
    read_as: Option<JsonType>,
) -> Result<(Option<JsonType>, Vec<Value>)> {
    if operands.iter().any(Json::is_null) {
        return Err(Error::validation(format!(
            "`{}` on `{}` takes values, not null, with which nothing compares; \
             combine it with `is null` by `$or`",
            operator.name(),
            place.name()
        )));
    }
    if place.path.is_none() {
        let values = operands.iter().map(|operand| place.definition.operand_from_json(operand));
        return Ok((None, values.collect::<Result<_>>()?));
    }
    let read_as = match read_as {
        Some(read_as) => read_as,
        None => read_as_by(place, operator, operands)?,
    };
    let read = operands.iter().map(|operand| match read_as.read(operand) {
        Value::Null => Err(takes(place, operator, what(read_as), operand)),
        value => Ok(value),
    });
    Ok((Some(read_as), read.collect::<Result<_>>()?))
}

/// What a type is written as, for messages.
const fn what(read_as: JsonType) -> &'static str {
    match read_as {
        JsonType::Integer => "a whole number of 64 bits",
        JsonType::Number => "a number",
        JsonType::Text => "a string",
        JsonType::Bool => "true or false",
    }
}

/// The type that a place is read as when the document does not say: that of the values.
///
/// Numbers are compared as floating-point numbers, so that 3.5 is greater than 3, unless they are
/// integers that such a number cannot hold.
fn read_as_by(place: &Place<'_>, operator: Operator, operands: &[Json]) -> Result<JsonType> {
    let all = |is: fn(&Json) -> bool| operands.iter().all(is);
    if all(Json::is_string) {
        return Ok(JsonType::Text);
    }
    if all(Json::is_boolean) {
        return Ok(JsonType::Bool);
    }
    if let Some(other) = operands.iter().find(|operand| operand.is_array() || operand.is_object()) {
        return Err(takes(place, operator, "a string, a number or a boolean", other));
    }
    if !all(Json::is_number) {
        return Err(Error::validation(format!(
            "`{}` on `{}` is given values of several types; write a condition for each, \
             joined by `$or`",
            operator.name(),
            place.name()
        )));
    }
    let is_exact = |operand: &Json| operand.as_i64().is_none_or(|i| i.unsigned_abs() < EXACT);
    if operands.iter().all(is_exact) {
        return Ok(JsonType::Number);
    }
    if operands.iter().any(|operand| JsonType::Integer.read(operand).is_null()) {
        return Err(Error::validation(format!(
            "`{}` on `{}` is given fractions and integers beyond 2^53, which no type holds \
             together; write a condition for each, joined by `$or`",
            operator.name(),
            place.name()
        )));
    }
    Ok(JsonType::Integer)
}
