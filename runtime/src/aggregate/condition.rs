//! Which groups, and in which order: conditions on aggregates and orderings by them.

use std::{
    fmt,
    marker::PhantomData,
    ops::{BitAnd, BitOr, Not},
};

use super::AggregateTerm;
use crate::{
    error::{Error, Result},
    filter::{Comparison, FilterTree},
    order::{Direction, Order},
    value::Value,
};

/// A condition on the groups of `T`, as `count().gt(3)` gives it. Conditions are joined by `&`,
/// `|` and `!`.
pub struct Having<T> {
    condition: Condition,
    marker: PhantomData<fn() -> T>,
}

/// A condition that names aggregates by what they are; in a [`FilterTree`] they are columns of the
/// answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    And(Box<[Condition; 2]>),
    Or(Box<[Condition; 2]>),
    Not(Box<Condition>),
    Compare { term: AggregateTerm, comparison: Comparison, value: Value },
    IsNull(AggregateTerm),
}

impl Condition {
    /// The same with each aggregate as the column that `place` finds for it.
    pub(crate) fn into_tree(self, place: &mut impl FnMut(AggregateTerm) -> usize) -> FilterTree {
        match self {
            Self::And(parts) => {
                let [left, right] = *parts;
                left.into_tree(place).and(right.into_tree(place))
            }
            Self::Or(parts) => {
                let [left, right] = *parts;
                left.into_tree(place).or(right.into_tree(place))
            }
            Self::Not(part) => part.into_tree(place).negate(),
            Self::Compare { term, comparison, value } => {
                FilterTree::Compare { column: place(term), comparison, value }
            }
            Self::IsNull(term) => FilterTree::IsNull { column: place(term) },
        }
    }
}

impl Condition {
    /// Refuses values that no aggregate has.
    pub(crate) fn check(&self) -> Result<()> {
        let problem = match self {
            Self::And(parts) | Self::Or(parts) => return parts.iter().try_for_each(Self::check),
            Self::Not(part) => return part.check(),
            Self::Compare { value: Value::Float(number), .. } if number.is_nan() => "NaN",
            Self::Compare { value: Value::Text(text), .. } if text.contains('\0') => {
                "text with a NUL character"
            }
            Self::Compare { .. } | Self::IsNull(_) => return Ok(()),
        };
        Err(Error::validation(format!(
            "an aggregate is compared with {problem}, which no column holds; compare it with \
             another value"
        )))
    }
}

impl<T> Having<T> {
    pub(super) const fn new(condition: Condition) -> Self {
        Self { condition, marker: PhantomData }
    }

    pub(crate) fn into_condition(self) -> Condition {
        self.condition
    }
}

impl<T> Clone for Having<T> {
    fn clone(&self) -> Self {
        Self { condition: self.condition.clone(), marker: PhantomData }
    }
}

impl<T> fmt::Debug for Having<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl<T> BitAnd for Having<T> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self::new(Condition::And(Box::new([self.condition, other.condition])))
    }
}

impl<T> BitOr for Having<T> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self::new(Condition::Or(Box::new([self.condition, other.condition])))
    }
}

impl<T> Not for Having<T> {
    type Output = Self;

    fn not(self) -> Self {
        Self::new(Condition::Not(Box::new(self.condition)))
    }
}

/// An ordering of the groups of `T` by an aggregate, as `count().desc()` gives it.
pub struct GroupOrder<T> {
    term: GroupTerm,
    direction: Direction,
    marker: PhantomData<fn() -> T>,
}

/// What groups are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupTerm {
    /// A column that rows are grouped by.
    Column(usize),
    Aggregate(AggregateTerm),
}

impl<T> GroupOrder<T> {
    pub(super) const fn new(term: GroupTerm, direction: Direction) -> Self {
        Self { term, direction, marker: PhantomData }
    }

    pub(crate) const fn parts(self) -> (GroupTerm, Direction) {
        (self.term, self.direction)
    }
}

impl<T> Clone for GroupOrder<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for GroupOrder<T> {}

impl<T> fmt::Debug for GroupOrder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GroupOrder").field(&self.term).field(&self.direction).finish()
    }
}

/// What groups of `T` can be ordered by: an aggregate, or a column that they are grouped by.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not order groups of `{T}`",
    label = "neither an aggregate of `{T}` nor a column of it",
    note = "write `count().desc()`, or `{T}::NAME.asc()` for a column that rows are grouped by"
)]
pub trait GroupOrdering<T> {
    /// The ordering.
    fn into_group_order(self) -> GroupOrder<T>;
}

impl<T> GroupOrdering<T> for GroupOrder<T> {
    fn into_group_order(self) -> Self {
        self
    }
}

impl<T> GroupOrdering<T> for Order<T> {
    fn into_group_order(self) -> GroupOrder<T> {
        let term = self.term();
        GroupOrder::new(GroupTerm::Column(term.column), term.direction)
    }
}
