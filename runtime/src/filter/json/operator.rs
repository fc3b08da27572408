//! The operators of filter documents, and the spellings that are understood.

use crate::{
    error::{Error, Result},
    filter::Comparison,
    suggest::{did_you_mean, list, shortened},
};

/// What is asked of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Compare(Comparison),
    In,
    NotIn,
    Between,
    Like,
    StartsWith,
    Contains,
    IsNull,
    IsNotNull,
    Exists,
}

/// What every value that has an order can be asked.
pub(super) const SCALAR: [Operator; 9] = [
    Operator::Compare(Comparison::Equal),
    Operator::Compare(Comparison::NotEqual),
    Operator::Compare(Comparison::Less),
    Operator::Compare(Comparison::LessOrEqual),
    Operator::Compare(Comparison::Greater),
    Operator::Compare(Comparison::GreaterOrEqual),
    Operator::In,
    Operator::NotIn,
    Operator::Between,
];

/// What text can be asked beyond that.
pub(super) const TEXT: [Operator; 3] = [Operator::Like, Operator::StartsWith, Operator::Contains];

/// Each operator with its spellings. The first is its name; the others are written without
/// spaces, `_`, `-` and capitals, as [`folded`] leaves them.
const SPELLINGS: [(Operator, &[&str]); 15] = [
    (Operator::Compare(Comparison::Equal), &["=", "==", "eq", "equal", "equals", "is"]),
    (
        Operator::Compare(Comparison::NotEqual),
        &["!=", "<>", "ne", "neq", "notequal", "notequals", "isnot"],
    ),
    (Operator::Compare(Comparison::Less), &["<", "lt", "less", "lessthan"]),
    (Operator::Compare(Comparison::LessOrEqual), &["<=", "le", "lte", "lessthanorequal"]),
    (Operator::Compare(Comparison::Greater), &[">", "gt", "greater", "greaterthan"]),
    (Operator::Compare(Comparison::GreaterOrEqual), &[">=", "ge", "gte", "greaterthanorequal"]),
    (Operator::In, &["in", "inlist", "oneof"]),
    (Operator::NotIn, &["not in", "notin", "nin", "noneof"]),
    (Operator::Between, &["between"]),
    (Operator::Like, &["like"]),
    (Operator::StartsWith, &["starts with", "startswith", "beginswith", "prefix"]),
    (Operator::Contains, &["contains", "includes"]),
    (Operator::IsNull, &["is null", "isnull", "null"]),
    (Operator::IsNotNull, &["is not null", "isnotnull", "notnull"]),
    (Operator::Exists, &["exists"]),
];

impl Operator {
    /// The name, as documents write it.
    pub(super) fn name(self) -> &'static str {
        let spelt = SPELLINGS.iter().find(|(operator, _)| *operator == self);
        spelt.map_or("", |(_, spellings)| spellings[0])
    }

    /// The operator of a name, in any spelling.
    ///
    /// `known` are those that the column has, which a misspelling is compared with.
    pub(super) fn named(name: &str, known: &[Self]) -> Result<Self> {
        let folded = folded(name);
        let spelt = |(_, spellings): &&(Self, &[&str])| {
            spellings[0] == name || spellings.contains(&folded.as_str())
        };
        if let Some((operator, _)) = SPELLINGS.iter().find(spelt) {
            return Ok(*operator);
        }
        let names = || known.iter().map(|operator| operator.name());
        Err(Error::validation(format!(
            "there is no operator `{}`{}",
            shortened(name),
            did_you_mean(name, names(), || format!("; there are {}", list(names())))
        )))
    }
}

/// A spelling without what people write differently: capitals, spaces, `_`, `-`, a `$` before it.
fn folded(name: &str) -> String {
    let name = name.strip_prefix('$').unwrap_or(name);
    let kept = name.chars().filter(|character| !matches!(character, ' ' | '_' | '-'));
    kept.take(32).map(|character| character.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_users_try() {
        let named = |name| Operator::named(name, &SCALAR).unwrap();
        for (name, operator) in [
            ("=", Operator::Compare(Comparison::Equal)),
            ("$eq", Operator::Compare(Comparison::Equal)),
            ("EQ", Operator::Compare(Comparison::Equal)),
            ("<>", Operator::Compare(Comparison::NotEqual)),
            ("lt", Operator::Compare(Comparison::Less)),
            ("$gte", Operator::Compare(Comparison::GreaterOrEqual)),
            ("NOT IN", Operator::NotIn),
            ("not_in", Operator::NotIn),
            ("nin", Operator::NotIn),
            ("startsWith", Operator::StartsWith),
            ("starts_with", Operator::StartsWith),
            ("starts with", Operator::StartsWith),
            ("is not null", Operator::IsNotNull),
        ] {
            assert_eq!(named(name), operator, "{name}");
        }
        for (operator, spellings) in SPELLINGS {
            assert_eq!(operator.name(), spellings[0]);
            for spelling in spellings {
                assert_eq!(named(spelling), operator, "{spelling}");
            }
        }
    }

    #[test]
    fn what_is_no_operator_is_told() {
        let refused = |name: &str| Operator::named(name, &TEXT).unwrap_err().to_string();
        assert!(refused("lik").contains("did you mean `like`?"));
        assert!(refused("~~").contains("there are `like`, `starts with` and `contains`"));
        assert!(refused(&"x".repeat(10_000)).len() < 300);
    }
}
