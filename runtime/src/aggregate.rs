//! Aggregates: what many rows come to. Numbers of rows, sums, averages, the least and the
//! greatest value, of all rows or of each group.
//!
//! The functions here are what programs write; [`Aggregation`] is what engines see. One that has
//! no SQL calls [`Aggregation::evaluate`] with the rows that it has.

mod condition;
mod evaluate;
mod functions;
mod list;
mod sum;

pub(crate) use self::condition::{Condition, GroupTerm};
pub use self::{
    condition::{GroupOrder, GroupOrdering, Having},
    functions::{
        Aggregate, AggregateResult, avg, count, count_distinct, count_not_null, max, min, sum,
    },
    list::{AggregateList, AggregateOf},
    sum::Sum,
};
use crate::{
    column_type::ColumnType, definition::TableDef, error::Error, filter::FilterTree,
    order::OrderTerm,
};

/// An aggregate query as engines see it; the handle has checked everything in it.
///
/// Its answer has a column for each of `group_by`, then one for each of `aggregates`; `having`
/// and `order` count those columns. Without `group_by` it has one row, whatever there is;
/// without `aggregates` it has the different values of the columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    /// Which rows.
    pub filter: FilterTree,
    /// The columns whose values make a group; NULL is a value like others, and 0.0 and -0.0 are
    /// the same one.
    pub group_by: Vec<usize>,
    /// What is found out about each group.
    pub aggregates: Vec<AggregateTerm>,
    /// Which groups. Its columns are those of the answer, and it has comparisons and tests for
    /// NULL alone.
    pub having: FilterTree,
    /// In which order. Its columns are those of the answer, and it is total: each of `group_by`
    /// is in it.
    pub order: Vec<OrderTerm>,
    /// At most so many groups.
    pub limit: Option<u64>,
    /// Not the first so many groups.
    pub offset: u64,
}

/// One aggregate, of a column by its position in the definition. Only [`AggregateTerm::Rows`]
/// counts rows in which the column is NULL; without any other, every one but the counts is NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateTerm {
    /// How many rows there are.
    Rows,
    /// How many rows have a value.
    Count(usize),
    /// How many different values there are.
    CountDistinct(usize),
    /// The sum: an integer of integers, exactly; else a floating-point number.
    Sum(usize),
    /// The average, a floating-point number: the exact sum of integers as `f64`, divided by their
    /// number.
    Average(usize),
    /// The least value.
    Minimum(usize),
    /// The greatest value.
    Maximum(usize),
}

/// One column of an aggregation's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateOutput {
    /// A column that rows are grouped by, by its position in the definition.
    Group(usize),
    /// An aggregate.
    Aggregate(AggregateTerm),
}

impl AggregateTerm {
    /// The column that is looked at.
    pub const fn column(self) -> Option<usize> {
        match self {
            Self::Rows => None,
            Self::Count(column)
            | Self::CountDistinct(column)
            | Self::Sum(column)
            | Self::Average(column)
            | Self::Minimum(column)
            | Self::Maximum(column) => Some(column),
        }
    }

    /// The type of the result.
    pub fn result_type(self, definition: &TableDef) -> ColumnType {
        match self {
            Self::Rows | Self::Count(_) | Self::CountDistinct(_) => ColumnType::I64,
            Self::Sum(column) if is_integer(definition, column) => ColumnType::I64,
            Self::Sum(column) if definition.columns[column].column_type == ColumnType::Decimal => {
                ColumnType::Decimal
            }
            Self::Sum(_) | Self::Average(_) => ColumnType::F64,
            Self::Minimum(column) | Self::Maximum(column) => definition.columns[column].column_type,
        }
    }

    /// Whether the result can be NULL.
    pub const fn is_nullable(self) -> bool {
        !matches!(self, Self::Rows | Self::Count(_) | Self::CountDistinct(_))
    }
}

impl Aggregation {
    /// The columns of the answer.
    pub fn outputs(&self) -> impl Iterator<Item = AggregateOutput> {
        let groups = self.group_by.iter().copied().map(AggregateOutput::Group);
        groups.chain(self.aggregates.iter().copied().map(AggregateOutput::Aggregate))
    }

    /// One column of the answer.
    pub fn output(&self, number: usize) -> AggregateOutput {
        match self.group_by.get(number) {
            Some(&column) => AggregateOutput::Group(column),
            None => AggregateOutput::Aggregate(self.aggregates[number - self.group_by.len()]),
        }
    }
}

/// Whether the column holds integers, so that its sum is one.
pub(crate) fn is_integer(definition: &TableDef, column: usize) -> bool {
    definition.columns[column].column_type.integer_range().is_some()
}

/// A sum that does not fit its type: what every backend reports of it.
pub fn overflow() -> Error {
    Error::validation(
        "a sum does not fit its type: `i64` for integers, `f64` for floating-point numbers, \
         and `Decimal` for decimal numbers; narrow the filter, or take the average, which holds greater sums",
    )
}
