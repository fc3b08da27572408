//! Evaluating a filter over a row in memory, with SQL's three-valued logic.

use std::cmp::Ordering;

use super::{Comparison, FilterTree, LikePattern};
use crate::value::Value;

impl FilterTree {
    /// Whether a row with these values matches.
    pub fn matches(&self, row: &[Value]) -> bool {
        self.evaluate(row) == Some(true)
    }

    /// True, false, or `None` where NULL makes it neither.
    fn evaluate(&self, row: &[Value]) -> Option<bool> {
        match self {
            Self::And(parts) => all(parts.iter().map(|part| part.evaluate(row))),
            // By De Morgan: some part is true unless all are false.
            Self::Or(parts) => all(parts.iter().map(|part| part.evaluate(row).map(|truth| !truth)))
                .map(|truth| !truth),
            Self::Not(part) => part.evaluate(row).map(|truth| !truth),
            Self::Compare { column, comparison, value } => {
                present(&row[*column]).map(|stored| comparison.holds(stored.compare(value)))
            }
            Self::InList { column, values } => present(&row[*column])
                .map(|stored| values.iter().any(|value| stored.compare(value).is_eq())),
            Self::IsNull { column } => Some(row[*column].is_null()),
            Self::Like { column, pattern } => text(&row[*column]).map(|stored| {
                LikePattern::parse(pattern).is_ok_and(|pattern| pattern.matches(stored))
            }),
            Self::StartsWith { column, prefix } => {
                text(&row[*column]).map(|stored| stored.starts_with(prefix.as_str()))
            }
            Self::Contains { column, part } => {
                text(&row[*column]).map(|stored| stored.contains(part.as_str()))
            }
            Self::Json { column, path, test } => test.evaluate(&row[*column], path),
        }
    }
}

impl Comparison {
    /// Whether two values that stand in this order satisfy the comparison.
    pub const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// False if any part is false, else unknown if any is unknown, else true.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            None => result = None,
            Some(true) => {}
        }
    }
    result
}

fn present(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NULL: &[Value] = &[Value::Null];

    fn equal(value: i64) -> FilterTree {
        let value = Value::Int(value);
        FilterTree::Compare { column: 0, comparison: Comparison::Equal, value }
    }

    #[test]
    fn null_is_neither_true_nor_false() {
        assert!(!equal(1).matches(NULL));
        assert!(!equal(1).negate().matches(NULL));
        let list = FilterTree::InList { column: 0, values: vec![Value::Int(1)] };
        assert!(!list.matches(NULL));
        assert!(!list.negate().matches(NULL));
        let is_null = FilterTree::IsNull { column: 0 };
        // unknown or true is true; unknown and true is unknown; unknown and false is false
        assert!(equal(1).or(is_null.clone()).matches(NULL));
        assert!(!equal(1).and(is_null.clone()).matches(NULL));
        assert!(equal(1).and(is_null.clone().negate()).negate().matches(NULL));
        assert!(!equal(1).or(is_null.negate()).negate().matches(NULL));
    }

    #[test]
    fn every_comparison() {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        for (comparison, expected) in [
            (Equal, [false, true, false]),
            (NotEqual, [true, false, true]),
            (Less, [true, false, false]),
            (LessOrEqual, [true, true, false]),
            (Greater, [false, false, true]),
            (GreaterOrEqual, [false, true, true]),
        ] {
            for (stored, expected) in [1, 2, 3].into_iter().zip(expected) {
                let filter = FilterTree::Compare { column: 0, comparison, value: Value::Int(2) };
                assert_eq!(filter.matches(&[Value::Int(stored)]), expected, "{comparison:?}");
            }
        }
    }

    #[test]
    fn text_tests() {
        let row = &[Value::Text("hammer".into())];
        let like = |pattern: &str| FilterTree::Like { column: 0, pattern: pattern.into() };
        assert!(like("h%r").matches(row));
        assert!(!like("H%").matches(row));
        assert!(!like("%").matches(NULL));
        assert!(FilterTree::StartsWith { column: 0, prefix: "ham".into() }.matches(row));
        assert!(!FilterTree::StartsWith { column: 0, prefix: "mer".into() }.matches(row));
        assert!(FilterTree::Contains { column: 0, part: "mm".into() }.matches(row));
        assert!(!FilterTree::Contains { column: 0, part: "M".into() }.matches(row));
    }
}
