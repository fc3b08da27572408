//! The functions that programs write: `count()`, `sum(Product::STOCK)` and so on.

use std::{fmt, marker::PhantomData};

use super::{
    AggregateTerm,
    condition::{Condition, GroupOrder, GroupTerm, Having},
};
use crate::{
    codec::{ColumnSource, ColumnValue, Comparable, DecodeError, Ordered},
    column::{Column, NotNullOperand},
    filter::Comparison,
    maybe_send::MaybeSend,
    order::Direction,
    projection::{Extremes, Summable},
    table::Row,
    value::Value,
};

/// An aggregate of rows of `T` that gives an `R`: `u64` for numbers of rows, `Option` for the
/// others, which are `None` when there is no value.
pub struct Aggregate<T, R> {
    term: AggregateTerm,
    marker: PhantomData<fn() -> (T, R)>,
}

impl<T, R> Clone for Aggregate<T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, R> Copy for Aggregate<T, R> {}

impl<T, R> fmt::Debug for Aggregate<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.term.fmt(f)
    }
}

/// What an aggregate can give.
pub trait AggregateResult: Sized + MaybeSend + 'static {
    /// Reads one.
    fn read(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError>;
}

impl AggregateResult for u64 {
    fn read(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
        // A number of rows is never negative.
        source.read_int(column).map(i64::unsigned_abs)
    }
}

impl<V> AggregateResult for Option<V>
where
    V: MaybeSend + 'static,
    Self: ColumnValue,
{
    fn read(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
        Self::decode(source, column)
    }
}

/// How many rows there are.
pub const fn count<T: Row>() -> Aggregate<T, u64> {
    Aggregate::new(AggregateTerm::Rows)
}

/// In how many rows the column is not NULL.
pub const fn count_not_null<T: Row, V>(column: Column<T, V>) -> Aggregate<T, u64> {
    Aggregate::new(AggregateTerm::Count(column.position()))
}

/// How many different values the column has, without NULL; 0.0 and -0.0 are one.
pub const fn count_distinct<T: Row, V: Comparable>(column: Column<T, V>) -> Aggregate<T, u64> {
    Aggregate::new(AggregateTerm::CountDistinct(column.position()))
}

/// The sum: `i64` of integers, `f64` of floating-point numbers, `Decimal` of decimal numbers.
///
/// A sum that does not fit fails with [`Error::Validation`](crate::Error::Validation). A sum of
/// floating-point numbers depends on the order in which a backend adds them, in its last digits.
pub const fn sum<T: Row, V: Summable<S>, S>(column: Column<T, V>) -> Aggregate<T, Option<S>> {
    Aggregate::new(AggregateTerm::Sum(column.position()))
}

/// The average, as `f64`: the sum as `f64`, divided by how many values there are. Integers
/// and decimal numbers are added exactly before, whatever their sum.
pub const fn avg<T: Row, V: Summable<S>, S>(column: Column<T, V>) -> Aggregate<T, Option<f64>> {
    Aggregate::new(AggregateTerm::Average(column.position()))
}

/// The least value, in the order that `asc` has, but without NULL.
pub const fn min<T: Row, C: Extremes<V>, V>(column: Column<T, C>) -> Aggregate<T, Option<V>> {
    Aggregate::new(AggregateTerm::Minimum(column.position()))
}

/// The greatest value, in the order that `asc` has.
pub const fn max<T: Row, C: Extremes<V>, V>(column: Column<T, C>) -> Aggregate<T, Option<V>> {
    Aggregate::new(AggregateTerm::Maximum(column.position()))
}

impl<T, R> Aggregate<T, R> {
    const fn new(term: AggregateTerm) -> Self {
        Self { term, marker: PhantomData }
    }

    pub(super) const fn term(self) -> AggregateTerm {
        self.term
    }

    /// Orders groups by this, the least first; a group without a value before everything.
    pub const fn asc(self) -> GroupOrder<T> {
        GroupOrder::new(GroupTerm::Aggregate(self.term), Direction::Ascending)
    }

    /// Orders groups by this, the greatest first.
    pub const fn desc(self) -> GroupOrder<T> {
        GroupOrder::new(GroupTerm::Aggregate(self.term), Direction::Descending)
    }

    const fn compare(self, comparison: Comparison, value: Value) -> Having<T> {
        Having::new(Condition::Compare { term: self.term, comparison, value })
    }
}

/// Defines the comparisons of both kinds of aggregates.
macro_rules! comparisons {
    ($operand:ty, $value:ident => $into:expr) => {
        comparisons! { $operand, $value => $into,
            eq Equal "equals `value`",
            ne NotEqual "differs from `value`",
            lt Less "is less than `value`",
            le LessOrEqual "is less than or equal to `value`",
            gt Greater "is greater than `value`",
            ge GreaterOrEqual "is greater than or equal to `value`",
        }

        /// Groups for which it is at least `low` and at most `high`.
        pub fn between(self, low: $operand, high: $operand) -> Having<T> {
            self.ge(low) & self.le(high)
        }
    };
    (
        $operand:ty, $value:ident => $into:expr,
        $($name:ident $comparison:ident $means:literal,)*
    ) => {$(
        #[doc = concat!("Groups for which it ", $means, ".")]
        pub fn $name(self, $value: $operand) -> Having<T> {
            self.compare(Comparison::$comparison, $into)
        }
    )*};
}

/// Conditions on a number of rows.
impl<T: Row> Aggregate<T, u64> {
    // No table has more rows than that.
    comparisons!(u64, value => Value::Int(i64::try_from(value).unwrap_or(i64::MAX)));
}

/// Conditions on the other aggregates. Where there is no value, no comparison holds, as in SQL.
impl<T: Row, V> Aggregate<T, Option<V>>
where
    Option<V>: Ordered,
{
    comparisons!(impl NotNullOperand<Option<V>>, value => value.into_operand());

    /// Groups for which there is no value.
    pub const fn is_null(self) -> Having<T> {
        Having::new(Condition::IsNull(self.term))
    }

    /// Groups for which there is a value.
    pub fn is_not_null(self) -> Having<T> {
        !self.is_null()
    }
}
