//! What stands after `SET`: new values, and increments that do not leave the range of a column.
//!
//! An engine checks no more than its own type, which may be wider than the column's, and SQLite
//! turns an integer that overflows into a floating-point number. So an increment is a `CASE` whose
//! other branch cannot be evaluated: the statement fails, and nothing is changed.

use storehouse_sql::Dialect;

use super::{parameter::Parameter, pieces::Pieces};
use crate::{
    column_type::ColumnType,
    definition::TableDef,
    patch::{Assignment, AssignmentKind},
    value::Value,
};

static GREATEST: Value = Value::Float(f64::MAX);
static LEAST: Value = Value::Float(f64::MIN);

/// Writes the assignments. `stored` stands before a column where its stored value is meant.
pub(super) fn write<'a>(
    definition: &TableDef,
    assignments: &'a [Assignment],
    stored: &'static str,
    pieces: &mut impl Pieces<'a>,
) {
    for (position, assignment) in assignments.iter().enumerate() {
        if position > 0 {
            pieces.text(", ");
        }
        let &Assignment { column, ref value, kind } = assignment;
        pieces.column(column);
        pieces.text(" = ");
        match kind {
            AssignmentKind::Set => pieces.parameter(Parameter::Value { column, value }),
            AssignmentKind::Increment => {
                Sum { column, by: value, stored }.write(definition, pieces);
            }
        }
    }
}

/// A stored value and what is added to it.
struct Sum<'a> {
    column: usize,
    by: &'a Value,
    stored: &'static str,
}

impl<'a> Sum<'a> {
    fn write(&self, definition: &TableDef, pieces: &mut impl Pieces<'a>) {
        let column_type = definition.columns[self.column].column_type;
        if pieces.dialect() == Dialect::Postgres
            && matches!(column_type, ColumnType::I64 | ColumnType::F64)
        {
            // PostgreSQL refuses what leaves the range of these by itself.
            return self.sum(pieces);
        }
        pieces.text("CASE WHEN ");
        self.is_outside(column_type, pieces);
        pieces.text(" THEN ");
        self.failure(pieces);
        pieces.text(" ELSE ");
        self.sum(pieces);
        pieces.text(" END");
    }

    fn column(&self, pieces: &mut impl Pieces<'a>) {
        pieces.text(self.stored);
        pieces.column(self.column);
    }

    fn sum(&self, pieces: &mut impl Pieces<'a>) {
        self.column(pieces);
        pieces.text(" + ");
        pieces.parameter(match *self.by {
            // Not as a value of the column, whose type may be narrower than the step.
            Value::Int(by) => Parameter::Integer(by),
            ref by => Parameter::Value { column: self.column, value: by },
        });
    }

    fn is_outside(&self, column_type: ColumnType, pieces: &mut impl Pieces<'a>) {
        match column_type.integer_range() {
            Some((i64::MIN, _)) => {
                pieces.text("typeof(");
                self.sum(pieces);
                pieces.text(") = 'real'");
            }
            Some((least, greatest)) => {
                self.sum(pieces);
                pieces.text(" NOT BETWEEN ");
                pieces.parameter(Parameter::Integer(least));
                pieces.text(" AND ");
                pieces.parameter(Parameter::Integer(greatest));
            }
            None => {
                self.sum(pieces);
                self.beyond_finite(" NOT BETWEEN ", pieces);
                pieces.text(" AND ");
                self.column(pieces);
                self.beyond_finite(" BETWEEN ", pieces);
            }
        }
    }

    fn beyond_finite(&self, operator: &'static str, pieces: &mut impl Pieces<'a>) {
        pieces.text(operator);
        pieces.parameter(Parameter::Value { column: self.column, value: &LEAST });
        pieces.text(" AND ");
        pieces.parameter(Parameter::Value { column: self.column, value: &GREATEST });
    }

    /// An expression that fails. It depends on the row, so that no engine evaluates it in advance.
    fn failure(&self, pieces: &mut impl Pieces<'a>) {
        if pieces.dialect() == Dialect::Sqlite {
            // The absolute value of the least integer is none.
            pieces.text("abs((");
            self.column(pieces);
            pieces.text(" IS NULL) - 9223372036854775807 - 1)");
        } else {
            pieces.text("1 / (");
            self.column(pieces);
            pieces.text(" - ");
            self.column(pieces);
            pieces.text(")");
        }
    }
}
