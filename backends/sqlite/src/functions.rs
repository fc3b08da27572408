//! Functions that statements use and SQLite does not have.
//!
//! SQLite's own `sum` fails on integers that leave their range on the way, although their sum does
//! not, and turns opposite infinities into NULL. These add up as every other backend does.

use rusqlite::{
    Connection, Error, Result,
    functions::{Aggregate, Context, FunctionFlags},
    types::{ToSqlOutput, Value as SqlValue, ValueRef},
};
use storehouse_runtime::{DecimalValue, Value, aggregate::Sum};

/// What a sum that does not fit its type fails with; from it the error of the store is made.
pub(crate) const OVERFLOW: &str = "storehouse: a sum does not fit its type";

/// Makes `storehouse_sum` and `storehouse_avg` known to a connection.
pub(crate) fn load(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_aggregate_function("storehouse_sum", 1, flags, Finish(Sum::total))?;
    connection.create_aggregate_function("storehouse_avg", 1, flags, Finish(Sum::average))
}

/// Adds up, and ends as it says.
struct Finish(fn(&Sum) -> storehouse_runtime::Result<Value>);

impl Aggregate<Sum, ToSqlOutput<'static>> for Finish {
    fn init(&self, _: &mut Context<'_>) -> Result<Sum> {
        Ok(Sum::default())
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Sum) -> Result<()> {
        match context.get_raw(0) {
            ValueRef::Null => {}
            ValueRef::Integer(integer) => sum.add_integer(integer),
            ValueRef::Real(number) => sum.add_float(number),
            ValueRef::Blob(key) if let Some(number) = DecimalValue::from_sort_key(key) => {
                sum.add_decimal(number);
            }
            ValueRef::Text(_) | ValueRef::Blob(_) => {
                return Err(Error::UserFunctionError("only numbers can be added up".into()));
            }
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Sum>) -> Result<ToSqlOutput<'static>> {
        let finished = (self.0)(&sum.unwrap_or_default());
        let value = match finished.map_err(|_| Error::UserFunctionError(OVERFLOW.into()))? {
            Value::Int(integer) => SqlValue::Integer(integer),
            Value::Float(number) => SqlValue::Real(number),
            Value::Decimal(number) => SqlValue::Blob(number.to_sort_key()),
            _ => SqlValue::Null,
        };
        Ok(ToSqlOutput::Owned(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_what_a_table_holds() {
        let connection = Connection::open_in_memory().unwrap();
        load(&connection).unwrap();
        let value = |rows: &str| {
            let sql = format!("SELECT storehouse_sum(x), storehouse_avg(x) FROM (VALUES {rows})");
            let sql = sql.replace("(VALUES", "(SELECT column1 AS x FROM (VALUES") + ")";
            connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        };
        let (integer, real) = (SqlValue::Integer, SqlValue::Real);
        assert_eq!(value("(1), (NULL), (2)").unwrap(), (integer(3), real(1.5)));
        assert_eq!(value("(0.5), (2)").unwrap(), (real(2.5), real(1.25)));
        assert_eq!(value("(NULL)").unwrap(), (SqlValue::Null, SqlValue::Null));
        let wide = i64::MAX;
        assert_eq!(value(&format!("({wide}), (1), (-1)")).unwrap().0, integer(wide));
        for refused in [format!("({wide}), (1)"), "(9e999), (-9e999)".into()] {
            let error = value(&refused).unwrap_err().to_string();
            assert!(error.contains(OVERFLOW), "{error}");
        }
        assert!(value("('a')").unwrap_err().to_string().contains("only numbers"));
    }
}
