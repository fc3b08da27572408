//! Filters: which rows a query means.
//!
//! [`Filter`] is typed by its table and combines with `&`, `|` and `!`. Beneath it lies a
//! [`FilterTree`], which engines walk: the memory backend evaluates it, an SQL backend renders
//! it. NULL follows SQL's three-valued logic: a comparison with NULL is neither true nor false,
//! and only what is true matches.

mod combine;
mod evaluate;
mod json;
mod like;

use std::{
    fmt,
    marker::PhantomData,
    ops::{BitAnd, BitOr, Not},
};

pub use self::like::{LikePattern, LikeToken};
use crate::{
    definition::TableDef,
    error::{Error, Result},
    json_path::{JsonPath, JsonTest},
    value::Value,
};

/// Which rows of `T` a query means.
///
/// Written with the table's columns, as `Product::PRICE.lt(10.0) & !Product::SKU.eq("A1")`.
pub struct Filter<T> {
    tree: FilterTree,
    marker: PhantomData<fn() -> T>,
}

impl<T> Clone for Filter<T> {
    fn clone(&self) -> Self {
        Self::from_tree(self.tree.clone())
    }
}

impl<T> fmt::Debug for Filter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl<T> Filter<T> {
    /// Every row.
    pub const fn all() -> Self {
        Self::from_tree(FilterTree::And(Vec::new()))
    }

    /// No row.
    pub const fn none() -> Self {
        Self::from_tree(FilterTree::Or(Vec::new()))
    }

    /// The untyped tree beneath.
    pub fn tree(&self) -> &FilterTree {
        &self.tree
    }

    pub(crate) const fn from_tree(tree: FilterTree) -> Self {
        Self { tree, marker: PhantomData }
    }

    pub(crate) fn into_tree(self) -> FilterTree {
        self.tree
    }
}

impl<T> BitAnd for Filter<T> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self::from_tree(self.tree.and(other.tree))
    }
}

impl<T> BitOr for Filter<T> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self::from_tree(self.tree.or(other.tree))
    }
}

impl<T> Not for Filter<T> {
    type Output = Self;

    fn not(self) -> Self {
        Self::from_tree(self.tree.negate())
    }
}

/// A filter without its table's type.
///
/// It is kept flat and simplified as it is built: an `And` holds no `And`, and a part that is
/// always true or always false is gone. So a filter that matches every row is always
/// `And([])`, however it was written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FilterTree {
    /// Every part is true; true when there is no part.
    And(Vec<FilterTree>),
    /// At least one part is true; false when there is no part.
    Or(Vec<FilterTree>),
    /// The part is false.
    Not(Box<FilterTree>),
    /// The column compares so with a value that is not NULL.
    Compare {
        /// The column's position.
        column: usize,
        /// How to compare.
        comparison: Comparison,
        /// What to compare with.
        value: Value,
    },
    /// The column equals one of some values, of which there is at least one and none is NULL.
    InList {
        /// The column's position.
        column: usize,
        /// What to compare with.
        values: Vec<Value>,
    },
    /// The column is NULL.
    IsNull {
        /// The column's position.
        column: usize,
    },
    /// The text matches a pattern.
    Like {
        /// The column's position.
        column: usize,
        /// The pattern, with `%`, `_` and `\`.
        pattern: String,
    },
    /// The text begins so.
    StartsWith {
        /// The column's position.
        column: usize,
        /// What it begins with.
        prefix: String,
    },
    /// The text contains this.
    Contains {
        /// The column's position.
        column: usize,
        /// What it contains.
        part: String,
    },
    /// What lies at a path in a JSON column passes a test.
    Json {
        /// The column's position.
        column: usize,
        /// Where in the document.
        path: JsonPath,
        /// What is asked of it.
        test: JsonTest,
    },
}

/// How a column's value compares with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`.
    Equal,
    /// `<>`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

impl Comparison {
    /// The operator in SQL.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl FilterTree {
    /// Matches every row.
    pub const fn all() -> Self {
        Self::And(Vec::new())
    }

    /// Whether this matches every row.
    pub fn is_all(&self) -> bool {
        matches!(self, Self::And(parts) if parts.is_empty())
    }

    /// Whether this matches no row.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Or(parts) if parts.is_empty())
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (all, other) if all.is_all() => other,
            (this, all) if all.is_all() => this,
            (none, _) | (_, none) if none.is_none() => none,
            (Self::And(mut parts), Self::And(more)) => {
                parts.extend(more);
                Self::And(parts)
            }
            (Self::And(mut parts), other) => {
                parts.push(other);
                Self::And(parts)
            }
            (this, Self::And(mut parts)) => {
                parts.insert(0, this);
                Self::And(parts)
            }
            (this, other) => Self::And(vec![this, other]),
        }
    }

    /// Either, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (none, other) if none.is_none() => other,
            (this, none) if none.is_none() => this,
            (all, _) | (_, all) if all.is_all() => all,
            (Self::Or(mut parts), Self::Or(more)) => {
                parts.extend(more);
                Self::Or(parts)
            }
            (Self::Or(mut parts), other) => {
                parts.push(other);
                Self::Or(parts)
            }
            (this, Self::Or(mut parts)) => {
                parts.insert(0, this);
                Self::Or(parts)
            }
            (this, other) => Self::Or(vec![this, other]),
        }
    }

    /// The opposite; what is neither true nor false stays so.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            all if all.is_all() => Self::Or(Vec::new()),
            none if none.is_none() => Self::all(),
            other => Self::Not(Box::new(other)),
        }
    }

    /// Fails with [`Error::Validation`] when a value does not fit its column or a pattern is
    /// malformed, so that every backend refuses the same filters.
    pub fn check(&self, definition: &TableDef) -> Result<()> {
        let check_column = |column: usize| {
            definition.columns.get(column).ok_or_else(|| {
                Error::validation(format!("`{}` has no column number {column}", definition.name))
            })
        };
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().try_for_each(|part| part.check(definition))
            }
            Self::Not(part) => part.check(definition),
            Self::Compare { column, value, .. } => check_column(*column)?.check_compared(value),
            Self::InList { column, values } => {
                let column = check_column(*column)?;
                values.iter().try_for_each(|value| column.check_compared(value))
            }
            Self::IsNull { column } => check_column(*column).map(drop),
            Self::Like { column, pattern } => {
                check_column(*column)?.check_operand(&Value::Text(pattern.clone()))?;
                LikePattern::parse(pattern).map(drop)
            }
            Self::StartsWith { column, prefix: text } | Self::Contains { column, part: text } => {
                check_column(*column)?.check_operand(&Value::Text(text.clone()))
            }
            Self::Json { column, path, test } => test.check(check_column(*column)?, path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_null(column: usize) -> FilterTree {
        FilterTree::IsNull { column }
    }

    #[test]
    fn what_matches_everything_is_always_the_empty_and() {
        let all = FilterTree::all;
        let none = || FilterTree::Or(Vec::new());
        assert!(none().negate().is_all());
        assert!(all().negate().is_none());
        assert!(all().or(is_null(0)).is_all());
        assert!(is_null(0).or(all()).is_all());
        assert!(none().and(is_null(0)).is_none());
        assert!(is_null(0).and(none()).is_none());
        assert_eq!(all().and(is_null(0)), is_null(0));
        assert_eq!(is_null(0).and(all()), is_null(0));
        assert_eq!(none().or(is_null(0)), is_null(0));
        assert_eq!(is_null(0).or(none()), is_null(0));
        assert_eq!(is_null(0).negate().negate(), is_null(0));
    }

    #[test]
    fn chains_stay_flat_and_in_order() {
        let parts = vec![is_null(0), is_null(1), is_null(2)];
        let left = is_null(0).and(is_null(1)).and(is_null(2));
        let right = is_null(0).and(is_null(1).and(is_null(2)));
        assert_eq!(left, FilterTree::And(parts.clone()));
        assert_eq!(right, left);
        let left = is_null(0).or(is_null(1)).or(is_null(2));
        let right = is_null(0).or(is_null(1).or(is_null(2)));
        assert_eq!(left, FilterTree::Or(parts));
        assert_eq!(right, left);
        let both = is_null(0).and(is_null(1)).and(is_null(2).and(is_null(3)));
        assert_eq!(both, FilterTree::And((0..4).map(is_null).collect()));
        let both = is_null(0).or(is_null(1)).or(is_null(2).or(is_null(3)));
        assert_eq!(both, FilterTree::Or((0..4).map(is_null).collect()));
    }

    #[test]
    fn a_filter_that_does_not_fit_its_table_is_refused() {
        let table = crate::test_table::definition();
        let refused = |filter: FilterTree| filter.check(&table).unwrap_err().to_string();
        let compare =
            |column, value| FilterTree::Compare { column, comparison: Comparison::Equal, value };
        compare(2, Value::Float(1.0)).check(&table).unwrap();
        let wrong = || compare(2, Value::Int(1));
        assert!(refused(wrong()).contains("`price` holds f64"));
        assert!(refused(compare(9, Value::Int(1))).contains("no column number 9"));
        assert!(refused(is_null(4)).contains("no column number 4"));
        // However deep it lies.
        assert!(refused(is_null(3).or(is_null(3).and(wrong()).negate())).contains("`price`"));
        let values = vec![Value::Int(1), Value::Null];
        assert!(refused(FilterTree::InList { column: 0, values }).contains("NULL"));
        let pattern = FilterTree::Like { column: 1, pattern: "a\\".into() };
        assert!(refused(pattern).contains("lone"));
        let number = FilterTree::Like { column: 2, pattern: "a".into() };
        assert!(refused(number).contains("`price`"));
        let prefix = FilterTree::StartsWith { column: 1, prefix: "\0".into() };
        assert!(refused(prefix).contains("NUL"));
        let part = FilterTree::Contains { column: 0, part: "a".into() };
        assert!(refused(part).contains("`id`"));
    }
}
