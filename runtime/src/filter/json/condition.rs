//! What a document asks of one column: a value, a list, or objects with an operator.

use serde_json::{Map, Value as Json};

use super::{Reader, operand::operands, operator::Operator, place::Place};
use crate::{
    definition::from_json::kind,
    error::{Error, Result},
    filter::{Comparison, FilterTree},
    json_path::{JsonTest, JsonType},
    suggest::{did_you_mean, shortened},
    value::Value,
};

const MEMBERS: [&str; 3] = ["operator", "value", "as"];

impl Reader<'_> {
    /// A value is equality, `null` is being NULL, a list of values is `in`; an object has an
    /// operator, and all of a list of objects have to hold.
    pub(super) fn conditions(&mut self, place: &Place<'_>, json: &Json) -> Result<FilterTree> {
        match json {
            Json::Object(condition) => self.condition(place, condition),
            Json::Array(items) if !items.is_empty() && items.iter().all(Json::is_object) => {
                let mut all = FilterTree::all();
                for item in items {
                    self.count_condition()?;
                    all = all.and(self.conditions(place, item)?);
                }
                Ok(all)
            }
            Json::Array(items) if items.iter().any(Json::is_object) => {
                Err(Error::validation(format!(
                    "`{}` is given values and conditions in one list; \
                     write either values, of which one has to match, or conditions, which all have to",
                    place.name()
                )))
            }
            Json::Array(_) => self.apply(place, Operator::In, Some(json), None),
            value => self.apply(place, Operator::Compare(Comparison::Equal), Some(value), None),
        }
    }

    /// `{"operator": "<", "value": 100}`, or `{"<": 100, ">=": 10}`.
    fn condition(
        &mut self,
        place: &Place<'_>,
        condition: &Map<String, Json>,
    ) -> Result<FilterTree> {
        let read_as = match condition.get("as") {
            Some(name) => Some(read_as(place, name)?),
            None => None,
        };
        if !condition.contains_key("operator") && !condition.contains_key("value") {
            let operators = condition.iter().filter(|(name, _)| *name != "as");
            let mut all = FilterTree::all();
            let mut count = 0;
            for (name, operand) in operators {
                count += 1;
                self.count_condition()?;
                let operator = Operator::named(name, &place.operators())?;
                all = all.and(self.apply(place, operator, Some(operand), read_as)?);
            }
            if count == 0 {
                return Err(Error::validation(format!(
                    "`{}` is given an object without an operator; \
                     write {{\"operator\": \"<\", \"value\": 100}}",
                    place.name()
                )));
            }
            return Ok(all);
        }
        if let Some(unknown) = condition.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(Error::validation(format!(
                "a condition on `{}` has no member `{}`{}",
                place.name(),
                shortened(unknown),
                did_you_mean(unknown, MEMBERS, || {
                    "; it has `operator`, `value` and `as`".to_owned()
                })
            )));
        }
        let operator = match condition.get("operator") {
            None => Operator::Compare(Comparison::Equal),
            Some(Json::String(name)) => Operator::named(name, &place.operators())?,
            Some(other) => {
                return Err(Error::validation(format!(
                    "the operator of `{}` is a string, such as \"<\", not {}",
                    place.name(),
                    kind(other)
                )));
            }
        };
        self.apply(place, operator, condition.get("value"), read_as)
    }

    /// One operator with its operand, which may have been left out.
    fn apply(
        &mut self,
        place: &Place<'_>,
        operator: Operator,
        operand: Option<&Json>,
        read_as: Option<JsonType>,
    ) -> Result<FilterTree> {
        // Equality with null is being null, as it is for the typed columns.
        let operator = match (operator, operand) {
            (Operator::Compare(Comparison::Equal), Some(Json::Null)) => Operator::IsNull,
            (Operator::Compare(Comparison::NotEqual), Some(Json::Null)) => Operator::IsNotNull,
            (operator, _) => operator,
        };
        place.check_operator(operator)?;
        match operator {
            Operator::IsNull => Ok(truth(is_null(place, read_as), wanted(place, operand)?)),
            Operator::IsNotNull => Ok(truth(is_null(place, read_as), !wanted(place, operand)?)),
            Operator::Exists => Ok(truth(test(place, JsonTest::Exists), wanted(place, operand)?)),
            Operator::Compare(comparison) => {
                let operand = required(place, operator, operand)?;
                let (read_as, mut values) =
                    operands(place, operator, std::slice::from_ref(operand), read_as)?;
                Ok(compare(place, read_as, comparison, values.remove(0)))
            }
            Operator::In | Operator::NotIn => {
                let items = array(place, operator, operand)?;
                self.count_values(items.len())?;
                let (read_as, values) = operands(place, operator, items, read_as)?;
                let tree = in_list(place, read_as, values);
                Ok(truth(tree, operator == Operator::In))
            }
            Operator::Between => {
                let items = array(place, operator, operand)?;
                let (read_as, values) = operands(place, operator, items, read_as)?;
                let Ok([low, high]) = <[Value; 2]>::try_from(values) else {
                    return Err(Error::validation(format!(
                        "`between` on `{}` takes an array of two values, the least and the greatest",
                        place.name()
                    )));
                };
                let above = compare(place, read_as, Comparison::GreaterOrEqual, low);
                Ok(above.and(compare(place, read_as, Comparison::LessOrEqual, high)))
            }
            Operator::Like | Operator::StartsWith | Operator::Contains => {
                let operand = required(place, operator, operand)?;
                if read_as.is_some_and(|read_as| read_as != JsonType::Text) {
                    return Err(Error::validation(format!(
                        "`{}` on `{}` is about strings; leave `as` out",
                        operator.name(),
                        place.name()
                    )));
                }
                let text = match operand.as_str() {
                    Some(text) => text.to_owned(),
                    None => return Err(takes(place, operator, "a string", operand)),
                };
                Ok(match_text(place, operator, text))
            }
        }
    }
}

/// Whether a test without an operand is wanted, or its opposite: `{"is null": false}`.
fn wanted(place: &Place<'_>, operand: Option<&Json>) -> Result<bool> {
    match operand {
        None | Some(Json::Null) => Ok(true),
        Some(Json::Bool(wanted)) => Ok(*wanted),
        Some(other) => Err(Error::validation(format!(
            "a test of `{}` for being there takes no value, or `true` or `false`, not {}",
            place.name(),
            kind(other)
        ))),
    }
}

fn read_as(place: &Place<'_>, name: &Json) -> Result<JsonType> {
    const TYPES: [JsonType; 4] =
        [JsonType::Integer, JsonType::Number, JsonType::Text, JsonType::Bool];
    let found = name.as_str().and_then(|name| TYPES.into_iter().find(|known| known.name() == name));
    let Some(found) = found else {
        return Err(Error::validation(format!(
            "`as` of `{}` is \"integer\", \"number\", \"string\" or \"boolean\"",
            place.name()
        )));
    };
    if place.path.is_none() {
        return Err(Error::validation(format!(
            "column `{}` has its type; `as` is for places in JSON columns, leave it out",
            place.name()
        )));
    }
    Ok(found)
}

fn required<'j>(
    place: &Place<'_>,
    operator: Operator,
    operand: Option<&'j Json>,
) -> Result<&'j Json> {
    match operand {
        Some(Json::Null) => Err(Error::validation(format!(
            "`{}` on `{}` takes a value, not null, with which nothing compares; \
             use `is null`",
            operator.name(),
            place.name()
        ))),
        Some(operand) => Ok(operand),
        None => Err(Error::validation(format!(
            "`{}` on `{}` takes a value; write {{\"operator\": \"{}\", \"value\": ..}}",
            operator.name(),
            place.name(),
            operator.name()
        ))),
    }
}

fn array<'j>(
    place: &Place<'_>,
    operator: Operator,
    operand: Option<&'j Json>,
) -> Result<&'j [Json]> {
    match required(place, operator, operand)? {
        Json::Array(items) => Ok(items),
        other => Err(takes(place, operator, "an array of values", other)),
    }
}

/// The operand is of another kind than the operator takes.
pub(super) fn takes(place: &Place<'_>, operator: Operator, what: &str, given: &Json) -> Error {
    Error::validation(format!(
        "`{}` on `{}` takes {what}, not {}",
        operator.name(),
        place.name(),
        kind(given)
    ))
}

fn truth(tree: FilterTree, wanted: bool) -> FilterTree {
    if wanted { tree } else { tree.negate() }
}

fn test(place: &Place<'_>, test: JsonTest) -> FilterTree {
    let path = place.path.clone().unwrap_or_default();
    FilterTree::Json { column: place.column, path, test }
}

fn is_null(place: &Place<'_>, read_as: Option<JsonType>) -> FilterTree {
    match (&place.path, read_as) {
        (None, _) => FilterTree::IsNull { column: place.column },
        (Some(_), None) => test(place, JsonTest::IsNull),
        (Some(_), Some(read_as)) => test(place, JsonTest::IsNullAs(read_as)),
    }
}

fn compare(
    place: &Place<'_>,
    read_as: Option<JsonType>,
    comparison: Comparison,
    value: Value,
) -> FilterTree {
    match read_as {
        None => FilterTree::Compare { column: place.column, comparison, value },
        Some(read_as) => test(place, JsonTest::Compare { read_as, comparison, value }),
    }
}

fn in_list(place: &Place<'_>, read_as: Option<JsonType>, values: Vec<Value>) -> FilterTree {
    match read_as {
        _ if values.is_empty() => FilterTree::Or(Vec::new()),
        None => FilterTree::InList { column: place.column, values },
        Some(read_as) => test(place, JsonTest::InList { read_as, values }),
    }
}

fn match_text(place: &Place<'_>, operator: Operator, text: String) -> FilterTree {
    let column = place.column;
    match (operator, place.path.is_some()) {
        (Operator::Like, false) => FilterTree::Like { column, pattern: text },
        (Operator::StartsWith, false) => FilterTree::StartsWith { column, prefix: text },
        (_, false) => FilterTree::Contains { column, part: text },
        (Operator::Like, true) => test(place, JsonTest::Like { pattern: text }),
        (Operator::StartsWith, true) => test(place, JsonTest::StartsWith { prefix: text }),
        (_, true) => test(place, JsonTest::Contains { part: text }),
    }
}
