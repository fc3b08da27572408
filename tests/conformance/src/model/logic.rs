//! What filters and orderings mean, written down a second time and as plainly as possible: no
//! index, no cleverness, and nothing shared with the engines that are held to it.

use std::cmp::Ordering;

use storehouse_runtime::{Comparison, DecimalValue, Direction, FilterTree, OrderTerm, Value};

mod json;

/// How two values of one column stand to each other; `None` where one of them is NULL.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return None,
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right))
        | (Value::DateTime(left), Value::DateTime(right))
        | (Value::Time(left), Value::Time(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        // NaN never gets here; 0.0 and -0.0 are one number.
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right)?,
        (Value::Text(left), Value::Text(right)) => left.bytes().cmp(right.bytes()),
        (Value::Bytes(left), Value::Bytes(right)) => left.cmp(right),
        (Value::Uuid(left), Value::Uuid(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Value::Decimal(left), Value::Decimal(right)) => compare_decimals(*left, *right),
        (left, right) => panic!("{left:?} was compared with {right:?}"),
    })
}

/// With as many digits on both sides of the point, digits sort as the numbers do.
fn compare_decimals(left: DecimalValue, right: DecimalValue) -> Ordering {
    let digits = |number: DecimalValue| {
        let zeros = "0".repeat(28 - number.scale() as usize);
        format!("{:0>60}", format!("{}{zeros}", number.mantissa().unsigned_abs()))
    };
    match (left.mantissa() < 0, right.mantissa() < 0) {
        (true, true) => digits(right).cmp(&digits(left)),
        (false, false) => digits(left).cmp(&digits(right)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// Equality as keys and unique columns have it: NULL equals nothing.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    compare(left, right) == Some(Ordering::Equal)
}

/// Whether a value came back as it went in: numbers to the bit, JSON by value.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Float(left), Value::Float(right)) => left.to_bits() == right.to_bits(),
        (Value::FloatList(left), Value::FloatList(right)) => {
            let bits =
                |list: &[f32]| list.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
            bits(left) == bits(right)
        }
        (left, right) => left == right,
    }
}

/// Whether whole rows are the same.
pub(super) fn same_row(left: &[Value], right: &[Value]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
}

/// How two rows stand to each other in an ordering. NULL counts as the smallest value.
pub(super) fn compare_in_order(
    order: &[OrderTerm],
    left: impl Fn(usize) -> Value,
    right: impl Fn(usize) -> Value,
) -> Ordering {
    for (place, term) in order.iter().enumerate() {
        let (left, right) = (left(place), right(place));
        let ordering =
            compare(&left, &right).unwrap_or_else(|| right.is_null().cmp(&left.is_null()));
        let ordering = match term.direction {
            Direction::Ascending => ordering,
            Direction::Descending => ordering.reverse(),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

/// What a filter says of a row: true, false, or `None` for SQL's unknown.
pub(super) fn evaluate(filter: &FilterTree, row: &[Value]) -> Option<bool> {
    match filter {
        FilterTree::And(parts) => {
            let truths: Vec<_> = parts.iter().map(|part| evaluate(part, row)).collect();
            if truths.contains(&Some(false)) {
                Some(false)
            } else if truths.contains(&None) {
                None
            } else {
                Some(true)
            }
        }
        FilterTree::Or(parts) => {
            let truths: Vec<_> = parts.iter().map(|part| evaluate(part, row)).collect();
            if truths.contains(&Some(true)) {
                Some(true)
            } else if truths.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
        FilterTree::Not(part) => evaluate(part, row).map(|truth| !truth),
        FilterTree::Compare { column, comparison, value } => {
            compare(&row[*column], value).map(|ordering| holds(*comparison, ordering))
        }
        FilterTree::InList { column, values } => {
            let stored = &row[*column];
            if stored.is_null() {
                return None;
            }
            Some(values.iter().any(|value| equal(stored, value)))
        }
        FilterTree::IsNull { column } => Some(row[*column].is_null()),
        FilterTree::Like { column, pattern } => text(&row[*column]).map(|text| like(text, pattern)),
        FilterTree::StartsWith { column, prefix } => {
            text(&row[*column]).map(|text| text.as_bytes().starts_with(prefix.as_bytes()))
        }
        FilterTree::Contains { column, part } => {
            text(&row[*column]).map(|text| text.contains(part.as_str()))
        }
        FilterTree::Json { column, path, test } => json::evaluate(&row[*column], path, test),
        other => panic!("the model does not know the filter {other:?}"),
    }
}

fn holds(comparison: Comparison, ordering: Ordering) -> bool {
    match comparison {
        Comparison::Equal => ordering == Ordering::Equal,
        Comparison::NotEqual => ordering != Ordering::Equal,
        Comparison::Less => ordering == Ordering::Less,
        Comparison::LessOrEqual => ordering != Ordering::Greater,
        Comparison::Greater => ordering == Ordering::Greater,
        Comparison::GreaterOrEqual => ordering != Ordering::Less,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether a text matches a `like` pattern: for every beginning of the text in turn, which
/// beginnings of the pattern it matches.
fn like(text: &str, pattern: &str) -> bool {
    let mut tokens = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '%' => Token::Any,
            '_' => Token::One,
            '\\' => Token::Exactly(characters.next().expect("a pattern was checked")),
            character => Token::Exactly(character),
        });
    }
    // matched[n]: the first n tokens match the text read so far.
    let mut matched = vec![false; tokens.len() + 1];
    matched[0] = true;
    for (n, token) in tokens.iter().enumerate() {
        matched[n + 1] = matched[n] && *token == Token::Any;
    }
    for character in text.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (n, token) in tokens.iter().enumerate() {
            next[n + 1] = match *token {
                Token::Any => matched[n + 1] || next[n],
                Token::One => matched[n],
                Token::Exactly(expected) => matched[n] && expected == character,
            };
        }
        matched = next;
    }
    matched[tokens.len()]
}

#[derive(Clone, Copy, PartialEq)]
enum Token {
    Any,
    One,
    Exactly(char),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_by_hand() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "_b_", true),
            ("abc", "A%", false),
            ("100%", r"100\%", true),
            ("1000", r"100\%", false),
            ("aaab", "%aab", true),
            ("é", "_", true),
            ("a\nb", "a_b", true),
        ] {
            assert_eq!(like(text, pattern), expected, "{text:?} like {pattern:?}");
        }
    }

    #[test]
    fn decimals_by_hand() {
        let decimals =
            ["-10", "-1.5", "-1.49", "-0.01", "0", "0.009", "0.01", "1.49", "1.5", "9", "10"]
                .map(|number| number.parse::<DecimalValue>().unwrap());
        for pair in decimals.windows(2) {
            assert_eq!(compare_decimals(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare_decimals(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
            assert_eq!(compare_decimals(pair[0], pair[0]), Ordering::Equal, "{pair:?}");
        }
    }

    #[test]
    fn null_by_hand() {
        let row = [Value::Null];
        let equal =
            FilterTree::Compare { column: 0, comparison: Comparison::Equal, value: Value::Int(1) };
        let is_null = FilterTree::IsNull { column: 0 };
        assert_eq!(evaluate(&equal, &row), None);
        assert_eq!(evaluate(&FilterTree::Not(Box::new(equal.clone())), &row), None);
        assert_eq!(
            evaluate(&FilterTree::Or(vec![equal.clone(), is_null.clone()]), &row),
            Some(true)
        );
        assert_eq!(evaluate(&FilterTree::And(vec![equal, is_null]), &row), None);
    }

    #[test]
    fn signs_of_zero_are_equal_but_not_the_same() {
        let (minus, plus) = (Value::Float(-0.0), Value::Float(0.0));
        assert!(equal(&minus, &plus));
        assert!(!same(&minus, &plus));
        assert!(!same(&Value::FloatList(vec![-0.0]), &Value::FloatList(vec![0.0])));
    }
}
