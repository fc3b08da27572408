//! Orderings. Every ordering is made total by the key, so that pages never overlap and every
//! backend answers in the same order.

use std::{fmt, marker::PhantomData};

use crate::{
    definition::TableDef,
    error::{Error, Result},
    value::Value,
};

/// An ordering of the rows of `T`, as `Product::PRICE.asc()` gives it.
pub struct Order<T> {
    term: OrderTerm,
    marker: PhantomData<fn() -> T>,
}

impl<T> Order<T> {
    pub(crate) const fn new(term: OrderTerm) -> Self {
        Self { term, marker: PhantomData }
    }

    pub(crate) const fn term(&self) -> OrderTerm {
        self.term
    }
}

impl<T> Clone for Order<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Order<T> {}

impl<T> fmt::Debug for Order<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.term.fmt(f)
    }
}

/// One column of an ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderTerm {
    /// The column's position.
    pub column: usize,
    /// Which end comes first.
    pub direction: Direction,
}

/// Which end of an ordering comes first. NULL counts as the smallest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

impl Direction {
    /// The keyword in SQL.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}

/// Makes an ordering total: a repeated column is dropped, and the key's columns that are missing
/// are added, in the direction of the last term, so that an index can be read in one direction.
///
/// Fails with [`Error::Validation`] when a column has no order.
pub fn complete(definition: &TableDef, terms: &[OrderTerm]) -> Result<Vec<OrderTerm>> {
    let mut total: Vec<OrderTerm> = Vec::with_capacity(terms.len() + definition.key.len());
    for term in terms {
        let column = definition.columns.get(term.column).ok_or_else(|| {
            Error::validation(format!("`{}` has no column number {}", definition.name, term.column))
        })?;
        if !column.column_type.is_ordered() {
            return Err(Error::validation(format!(
                "column `{}` has no order; order by another column",
                column.name
            )));
        }
        if !total.iter().any(|earlier| earlier.column == term.column) {
            total.push(*term);
        }
    }
    let direction = terms.last().map_or(Direction::Ascending, |term| term.direction);
    for &column in definition.key.iter() {
        if !total.iter().any(|earlier| earlier.column == column) {
            total.push(OrderTerm { column, direction });
        }
    }
    Ok(total)
}

/// How two rows stand to each other in an ordering.
pub fn compare_rows(terms: &[OrderTerm], left: &[Value], right: &[Value]) -> std::cmp::Ordering {
    for term in terms {
        let ordering = left[term.column].compare(&right[term.column]);
        let ordering = match term.direction {
            Direction::Ascending => ordering,
            Direction::Descending => ordering.reverse(),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    std::cmp::Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_table;

    const fn term(column: usize, direction: Direction) -> OrderTerm {
        OrderTerm { column, direction }
    }

    use Direction::{Ascending, Descending};

    #[test]
    fn the_key_comes_last_in_the_direction_of_the_last_term() {
        let table = test_table::definition();
        assert_eq!(complete(&table, &[]).unwrap(), [term(0, Ascending)]);
        assert_eq!(
            complete(&table, &[term(2, Ascending), term(1, Descending)]).unwrap(),
            [term(2, Ascending), term(1, Descending), term(0, Descending)]
        );
        assert_eq!(
            complete(&table, &[term(0, Descending), term(2, Ascending)]).unwrap(),
            [term(0, Descending), term(2, Ascending)]
        );
    }

    #[test]
    fn a_column_orders_once() {
        let table = test_table::definition();
        assert_eq!(
            complete(&table, &[term(2, Ascending), term(2, Descending)]).unwrap(),
            [term(2, Ascending), term(0, Descending)]
        );
    }

    #[test]
    fn what_has_no_order_is_refused() {
        let mut table = (*test_table::definition()).clone();
        table.columns.to_mut()[3].column_type = crate::ColumnType::Json;
        let refused = complete(&table, &[term(3, Ascending)]).unwrap_err();
        assert!(refused.to_string().contains("`note` has no order"), "{refused}");
        assert!(complete(&table, &[term(4, Ascending)]).is_err());
    }

    #[test]
    fn rows_compare_by_each_term_in_turn() {
        let row = |a, b| [Value::Int(a), Value::Int(b)];
        let terms = [term(1, Descending), term(0, Ascending)];
        assert!(compare_rows(&terms, &row(1, 2), &row(1, 1)).is_lt());
        assert!(compare_rows(&terms, &row(1, 1), &row(2, 1)).is_lt());
        assert!(compare_rows(&terms, &row(1, 1), &row(1, 1)).is_eq());
    }

    #[test]
    fn keywords() {
        assert_eq!([Ascending.sql(), Descending.sql()], ["ASC", "DESC"]);
    }
}
