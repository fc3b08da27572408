//! SQL of the program's own.
//!
//! A table's columns are known to have the types of its definition; those of a statement may have
//! any. So each is looked at before it is read: the bytes of a `numeric` could pass for a float.

use std::ops::ControlFlow;

use futures::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Column as _, PgConnection, Row as _, TypeInfo as _,
    postgres::{PgArguments, PgRow},
};
use storehouse_runtime::{
    ColumnSource, DecimalValue, DecodeError, Error, RawStatement, RowSink, codec::JsonColumn,
};
use uuid::Uuid;

use crate::{bind, decode::RowSource, engine::Engine, pool::Failure};

/// Runs a statement and hands its rows to `sink`. It is never tried again, since nobody knows
/// what it does.
pub(crate) async fn fetch(
    engine: &Engine,
    connection: &mut PgConnection,
    statement: &RawStatement,
    sink: &mut RowSink,
) -> Result<(), Failure> {
    let (sql, arguments) = prepare(statement)?;
    let mut rows = engine.query(sql, arguments).fetch(connection);
    let mut position = 0;
    while let Some(row) = rows.try_next().await.map_err(of_parameters)? {
        if position == 0 {
            let names: Vec<&str> = row.columns().iter().map(sqlx::Column::name).collect();
            sink.begin(&names)?;
        }
        let received = sink.receive(position, &mut Checked(&row)).map_err(|error| {
            let column = row.columns().get(error.column());
            Error::decode(column.map_or("?", sqlx::Column::name), error.into_message())
        })?;
        if received == ControlFlow::Break(()) {
            break;
        }
        position += 1;
    }
    Ok(())
}

/// Runs a statement and counts the rows that it changed.
pub(crate) async fn execute(
    engine: &Engine,
    connection: &mut PgConnection,
    statement: &RawStatement,
) -> Result<u64, Failure> {
    let (sql, arguments) = prepare(statement)?;
    let done = engine.query(sql, arguments).execute(connection).await.map_err(of_parameters)?;
    // PostgreSQL counts the rows that a query gives, too.
    let only_reads = matches!(&*statement.keyword(), "SELECT" | "VALUES" | "TABLE" | "SHOW");
    Ok(if only_reads { 0 } else { done.rows_affected() })
}

/// The text and what is bound to it. A value that the text does not mention would be passed over
/// by the server in silence.
fn prepare(statement: &RawStatement) -> Result<(AssertSqlSafe<String>, PgArguments), Error> {
    let given = statement.parameters.len();
    if let Some(number) = (1..=given).find(|number| !mentions(&statement.sql, *number)) {
        return Err(Error::validation(format!(
            "{given} values were bound, and the statement has no placeholder `${number}`; bind \
             one for each placeholder"
        )));
    }
    Ok((AssertSqlSafe(statement.sql.clone().into_owned()), bind::raw(&statement.parameters)?))
}

/// Whether the placeholder stands somewhere in the text.
fn mentions(sql: &str, number: usize) -> bool {
    let placeholder = format!("${number}");
    sql.match_indices(&placeholder).any(|(place, _)| {
        !sql[place + placeholder.len()..].starts_with(|next: char| next.is_ascii_digit())
    })
}

/// Fewer values than placeholders, which the server takes for a fault of the driver's.
fn of_parameters(error: sqlx::Error) -> Failure {
    const PROTOCOL_VIOLATION: &str = "08P01";
    let message = match &error {
        sqlx::Error::Database(reported)
            if reported.code().as_deref() == Some(PROTOCOL_VIOLATION) =>
        {
            reported.message().to_owned()
        }
        _ => return error.into(),
    };
    Error::validation(format!(
        "the statement has another number of placeholders than values were bound ({message}); \
         bind one for each"
    ))
    .into()
}

/// A row whose columns are checked for their types.
struct Checked<'r>(&'r PgRow);

impl<'r> Checked<'r> {
    /// The row, if the column has one of the types of these numbers, or one that does not come with
    /// PostgreSQL, such as an enumeration.
    fn check(
        &self,
        column: usize,
        expected: &str,
        types: &[u32],
        cast: &str,
    ) -> Result<RowSource<'r>, DecodeError> {
        const FIRST_OF_OTHERS: u32 = 16_384;
        if let Some(found) = self.0.columns().get(column) {
            let info = found.type_info();
            let known = info.oid().is_some_and(|oid| oid.0 < FIRST_OF_OTHERS);
            if known && !info.oid().is_some_and(|oid| types.contains(&oid.0)) {
                let (name, found) = (found.name(), info.name());
                return Err(DecodeError::new(
                    column,
                    format!(
                        "expected {expected}, found {found}; ask for another type, or cast it in \
                         the statement, `{name}::{cast}`"
                    ),
                ));
            }
        }
        Ok(RowSource(self.0))
    }
}

macro_rules! checked {
    ($($read:ident: $result:ty, $expected:literal, $types:expr, $cast:literal;)*) => {$(
        fn $read(&mut self, column: usize) -> Result<$result, DecodeError> {
            self.check(column, $expected, &$types, $cast)?.$read(column)
        }
    )*};
}

impl ColumnSource for Checked<'_> {
    fn is_null(&mut self, column: usize) -> bool {
        RowSource(self.0).is_null(column)
    }

    checked! {
        read_bool: bool, "a bool", [16], "boolean";
        read_int: i64, "an integer", [20, 21, 23], "bigint";
        read_float: f64, "a number", [700, 701], "double precision";
        read_decimal: DecimalValue, "a decimal number", [1700], "numeric";
        read_text: String, "text", [18, 19, 25, 1042, 1043], "text";
        read_bytes: Vec<u8>, "bytes", [17], "bytea";
        read_uuid: Uuid, "a UUID", [2950], "uuid";
        read_date_time: i64, "a date-time", [1114, 1184], "timestamptz";
        read_date: i32, "a date", [1082], "date";
        read_time: i64, "a time of day", [1083], "time";
        read_float_list: Vec<f32>, "a list of numbers", [1021], "real[]";
        read_f16_list: Vec<u16>, "a list of half-precision numbers", [1021], "real[]";
        read_i8_list: Vec<i8>, "a list of 8-bit integers", [1005], "smallint[]";
        read_text_list: Vec<String>, "a list of texts", [1009, 1015], "text[]";
    }

    fn read_json(&mut self, column: usize) -> Result<JsonColumn<'_>, DecodeError> {
        self.check(column, "JSON", &[114, 3802], "jsonb")?;
        let text = RowSource(self.0).read_text(column)?;
        // `jsonb` begins with its version, `json` does not.
        let text = text.strip_prefix('\u{1}').map(str::to_owned).unwrap_or(text);
        Ok(JsonColumn::Text(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_not_the_beginning_of_another() {
        assert!(mentions("SELECT $1", 1));
        assert!(mentions("SELECT $10, $1", 1));
        assert!(!mentions("SELECT $10", 1));
        assert!(!mentions("SELECT 1", 1));
    }
}
