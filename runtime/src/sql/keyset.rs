//! Continuing after a row: the condition that only later rows of an ordering fulfil.
//!
//! NULL counts as the smallest value, as everywhere. Where it can be, the condition is one
//! comparison of rows; otherwise the alternatives are spelt out behind a bound on the first
//! column. Both let an index be entered at the right place.

use super::{parameter::Parameter, pieces::Pieces};
use crate::{
    definition::TableDef,
    order::{Direction, OrderTerm},
    value::Value,
};

/// Writes the condition, which stands alone or among others joined by `AND`.
pub(super) fn write<'a>(
    definition: &TableDef,
    order: &[OrderTerm],
    after: &'a [Value],
    pieces: &mut impl Pieces<'a>,
) {
    let (Some(term), Some(value)) = (order.first(), after.first()) else {
        // Without an ordering no row comes after another.
        return pieces.text("FALSE");
    };
    let one_range = order.iter().all(|other| {
        other.direction == term.direction && !definition.columns[other.column].nullable
    });
    if one_range {
        return compare_rows(term.direction, order, after, pieces);
    }
    let nullable = definition.columns[term.column].nullable;
    match (term.direction, value.is_null()) {
        (Direction::Ascending, false) => compare(term.column, " >= ", value, pieces),
        (Direction::Descending, false) if !nullable => {
            compare(term.column, " <= ", value, pieces);
        }
        (Direction::Descending, true) => is_null(term.column, pieces),
        // Rows on both sides of the values, the NULLs and the others: no single range holds them.
        _ => return alternatives(definition, order, after, pieces),
    }
    pieces.text(" AND ");
    alternatives(definition, order, after, pieces);
}

/// `(a, b) > (?, ?)`, or `a > ?`.
fn compare_rows<'a>(
    direction: Direction,
    order: &[OrderTerm],
    after: &'a [Value],
    pieces: &mut impl Pieces<'a>,
) {
    let (open, close) = if order.len() > 1 { ("(", ")") } else { ("", "") };
    let before = |position| if position == 0 { open } else { ", " };
    for (position, term) in order.iter().enumerate() {
        pieces.text(before(position));
        pieces.column(term.column);
    }
    pieces.text(close);
    pieces.text(later(direction));
    for (position, (term, value)) in order.iter().zip(after).enumerate() {
        pieces.text(before(position));
        pieces.parameter(Parameter::Value { column: term.column, value });
    }
    pieces.text(close);
}

/// `(a > ? OR (a = ? AND (b < ? OR ..)))`: the first column is later, or it is the same and the
/// others are later.
fn alternatives<'a>(
    definition: &TableDef,
    order: &[OrderTerm],
    after: &'a [Value],
    pieces: &mut impl Pieces<'a>,
) {
    let ([term, order @ ..], [value, after @ ..]) = (order, after) else { return };
    pieces.text("(");
    match (term.direction, value.is_null()) {
        (Direction::Ascending, true) => {
            pieces.column(term.column);
            pieces.text(" IS NOT NULL");
        }
        (Direction::Descending, true) => pieces.text("FALSE"),
        (direction, false) => {
            compare(term.column, later(direction), value, pieces);
            if direction == Direction::Descending && definition.columns[term.column].nullable {
                pieces.text(" OR ");
                is_null(term.column, pieces);
            }
        }
    }
    if !order.is_empty() {
        pieces.text(" OR (");
        if value.is_null() {
            is_null(term.column, pieces);
        } else {
            compare(term.column, " = ", value, pieces);
        }
        pieces.text(" AND ");
        alternatives(definition, order, after, pieces);
        pieces.text(")");
    }
    pieces.text(")");
}

const fn later(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => " > ",
        Direction::Descending => " < ",
    }
}

fn compare<'a>(
    column: usize,
    operator: &'static str,
    value: &'a Value,
    pieces: &mut impl Pieces<'a>,
) {
    pieces.column(column);
    pieces.text(operator);
    pieces.parameter(Parameter::Value { column, value });
}

fn is_null<'a>(column: usize, pieces: &mut impl Pieces<'a>) {
    pieces.column(column);
    pieces.text(" IS NULL");
}

#[cfg(test)]
mod tests {
    use storehouse_sql::Dialect;

    use super::*;
    use crate::{sql::pieces::Portable, storage::Statement, test_table};

    const ID: usize = 0;
    const PRICE: usize = 2;
    /// The only column that can be NULL.
    const NOTE: usize = 3;

    const UP: Direction = Direction::Ascending;
    const DOWN: Direction = Direction::Descending;

    fn statement(terms: &[(usize, Direction, Value)]) -> Statement {
        let definition = test_table::definition();
        let order: Vec<_> =
            (terms.iter()).map(|&(column, direction, _)| OrderTerm { column, direction }).collect();
        let after: Vec<_> = terms.iter().map(|(_, _, value)| value.clone()).collect();
        let mut portable = Portable::new(Dialect::Sqlite, &definition);
        write(&definition, &order, &after, &mut portable);
        portable.into_statement()
    }

    fn sql(terms: &[(usize, Direction, Value)]) -> String {
        statement(terms).sql
    }

    fn int(value: i64) -> Value {
        Value::Int(value)
    }

    #[test]
    fn columns_that_are_never_null_in_one_direction_are_compared_as_rows() {
        assert_eq!(sql(&[(ID, UP, int(1))]), r#""id" > ?"#);
        assert_eq!(sql(&[(ID, DOWN, int(1))]), r#""id" < ?"#);
        let up = statement(&[(PRICE, UP, int(1)), (ID, UP, int(2))]);
        assert_eq!(up.sql, r#"("price", "id") > (?, ?)"#);
        assert_eq!(up.parameters, [int(1), int(2)]);
        let down = sql(&[(PRICE, DOWN, int(1)), (ID, DOWN, int(2))]);
        assert_eq!(down, r#"("price", "id") < (?, ?)"#);
    }

    #[test]
    fn mixed_directions_are_spelt_out_behind_a_bound() {
        let up = statement(&[(PRICE, UP, int(1)), (ID, DOWN, int(2))]);
        assert_eq!(up.sql, r#""price" >= ? AND ("price" > ? OR ("price" = ? AND ("id" < ?)))"#);
        assert_eq!(up.parameters, [int(1), int(1), int(1), int(2)]);
        assert_eq!(
            sql(&[(PRICE, DOWN, int(1)), (ID, UP, int(2))]),
            r#""price" <= ? AND ("price" < ? OR ("price" = ? AND ("id" > ?)))"#
        );
    }

    #[test]
    fn null_is_the_first_when_ascending() {
        assert_eq!(
            sql(&[(NOTE, UP, Value::Null), (ID, UP, int(2))]),
            r#"("note" IS NOT NULL OR ("note" IS NULL AND ("id" > ?)))"#
        );
        assert_eq!(
            sql(&[(NOTE, UP, int(1)), (ID, UP, int(2))]),
            r#""note" >= ? AND ("note" > ? OR ("note" = ? AND ("id" > ?)))"#
        );
        assert_eq!(sql(&[(NOTE, UP, Value::Null)]), r#"("note" IS NOT NULL)"#);
    }

    #[test]
    fn null_is_the_last_when_descending() {
        assert_eq!(
            sql(&[(NOTE, DOWN, Value::Null), (ID, DOWN, int(2))]),
            r#""note" IS NULL AND (FALSE OR ("note" IS NULL AND ("id" < ?)))"#
        );
        assert_eq!(
            sql(&[(NOTE, DOWN, int(1)), (ID, DOWN, int(2))]),
            r#"("note" < ? OR "note" IS NULL OR ("note" = ? AND ("id" < ?)))"#
        );
        assert_eq!(sql(&[(NOTE, DOWN, Value::Null)]), r#""note" IS NULL AND (FALSE)"#);
    }

    #[test]
    fn three_columns() {
        let all = statement(&[(PRICE, UP, int(1)), (NOTE, DOWN, int(2)), (ID, UP, int(3))]);
        assert_eq!(
            all.sql,
            r#""price" >= ? AND ("price" > ? OR ("price" = ? AND ("note" < ? OR "note" IS NULL OR ("note" = ? AND ("id" > ?)))))"#
        );
        assert_eq!(all.parameters, [1, 1, 1, 2, 2, 3].map(int));
    }

    #[test]
    fn without_an_ordering_nothing_comes_after() {
        assert_eq!(sql(&[]), "FALSE");
    }
}
