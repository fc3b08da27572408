//! Puts of rows of which another may be stored than is given: the time of creation stays, and the
//! version is compared and counted.
//!
//! A row that was read replaces only the row with its key and its version, and is not there when
//! that is gone. The check and the write are one statement, whatever others do meanwhile.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, PgConnection, postgres::PgRow};
use storehouse_runtime::{EncodedKey, EncodedRow, Error, Value, WriteMode, sql::Parameter};
use storehouse_sql::Dialect;

use crate::{
    bind::Arguments,
    decode,
    engine::Engine,
    pool::Failure,
    table::{Table, separator},
    types::Pgvector,
    write::{Segment, bind_columns, key_of},
};

/// What a row does that is not stored as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    /// Nothing of what it is put together with is done.
    FailsAll,
    /// It is told of, and the others are put, unless its row is gone.
    IsTold,
}

/// What rows that are put say of their managed columns, as long as it may have to be given back:
/// a write that fails may be run again. Empty where a put takes a row as it is.
pub(crate) struct Before(Vec<Value>);

impl Before {
    pub(crate) fn of(table: &Table, rows: &[EncodedRow], mode: WriteMode) -> Self {
        if mode != WriteMode::Put || !table.definition.managed.changes_puts() {
            return Self(Vec::new());
        }
        let values = rows.iter().flat_map(|row| changed(table).map(|column| row.0[column].clone()));
        Self(values.collect())
    }

    /// Makes of the rows what they were.
    pub(crate) fn give_back(self, table: &Table, rows: &mut [EncodedRow]) {
        let mut values = self.0.into_iter();
        for row in rows {
            for (column, value) in changed(table).zip(&mut values) {
                row.0[column] = value;
            }
        }
    }
}

/// The columns of which a put may store something else than is given.
fn changed(table: &Table) -> impl Iterator<Item = usize> + use<> {
    let managed = &table.definition.managed;
    managed.created_at.into_iter().chain(managed.version)
}

/// On purpose, where one of several rows must undo them all.
const DIVISION_BY_ZERO: &str = "22012";

/// Puts rows that were read, which are one segment, and makes of them what is stored.
pub(crate) async fn checked(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &mut [EncodedRow],
    stale: Stale,
) -> Result<Segment, Failure> {
    let pgvector = engine.pgvector(table, connection).await?;
    let mut arguments = Arguments::new(&table.definition, pgvector);
    if let [row] = rows
        && let Some(sql) = &table.crud.put_checked
    {
        for (column, value) in row.0.iter().enumerate() {
            if table.definition.managed.created_at != Some(column) {
                arguments.value(column, value)?;
            }
        }
        let query = engine.query(AssertSqlSafe(sql.clone()), arguments.into_inner());
        let stored = query.fetch_optional(connection).await?;
        let stored = stored.ok_or_else(|| table.definition.stale())?;
        fill_in(table, row, &stored, 0)?;
        return Ok(Segment::Whole(true));
    }
    bind_columns(&mut arguments, table, rows)?;
    if stale == Stale::FailsAll {
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        arguments.parameters(&[Parameter::Integer(count)])?;
    }
    let sql = AssertSqlSafe(put_many_checked(table, pgvector, stale));
    let stored = engine.query(sql, arguments.into_inner()).fetch_all(connection).await;
    let stored = stored.map_err(Failure::from).map_err(|failure| {
        let is_stale = failure.code() == Some(DIVISION_BY_ZERO);
        if is_stale { table.definition.stale().into() } else { failure }
    })?;
    if stored.is_empty() && stale == Stale::FailsAll {
        // Not one was stored, so there was none to fail at.
        return Err(table.definition.stale().into());
    }
    take_over(table, rows, &stored)
}

/// Makes of the rows that were stored what is stored. They come in order, as far as they come.
fn take_over(table: &Table, rows: &mut [EncodedRow], stored: &[PgRow]) -> Result<Segment, Failure> {
    let definition = &*table.definition;
    let mut is_stored = vec![false; rows.len()];
    let mut next = 0;
    for stored in stored {
        let key: EncodedKey = (definition.key.iter().enumerate())
            .map(|(place, &column)| {
                decode::value(definition.columns[column].column_type, stored, place)
            })
            .collect::<Result<_, _>>()
            .map_err(|error| table.decode_error(error))?;
        let mut places = (next..rows.len()).chain(0..next);
        if let Some(place) = places.find(|&place| key_of(table, &rows[place]) == key) {
            fill_in(table, &mut rows[place], stored, definition.key.len())?;
            is_stored[place] = true;
            next = place + 1;
        }
    }
    Ok(Segment::Rows(is_stored))
}

/// Makes of rows that were put what is stored, in their order.
pub(crate) fn fill_in_all(
    table: &Table,
    rows: &mut [EncodedRow],
    stored: &[PgRow],
) -> Result<(), Failure> {
    if rows.len() != stored.len() {
        let message = "the database did not store every row; see whether a trigger or a policy of \
                       the table leaves rows out";
        return Err(Error::backend(message, None).into());
    }
    rows.iter_mut().zip(stored).try_for_each(|(row, stored)| fill_in(table, row, stored, 0))
}

/// Takes over the managed columns, the first of which is at `place`.
fn fill_in(
    table: &Table,
    row: &mut EncodedRow,
    stored: &PgRow,
    place: usize,
) -> Result<(), Failure> {
    for (place, column) in (place..).zip(changed(table)) {
        let column_type = table.definition.columns[column].column_type;
        let value = decode::value(column_type, stored, place);
        row.0[column] = value.map_err(|error| table.decode_error(error))?;
    }
    Ok(())
}

/// Puts many rows that were read, given as one array for each column, and returns the key and the
/// managed columns of each that was stored.
///
/// They are inserted with their version below zero, in order, so that a later one may take the
/// unique value that an earlier one gives up. Each finds the row that it was read from, and
/// replaces it if the version fits; one whose row is gone is left with its version below zero. The
/// check for that comes after all, where nobody can come in between: a division by zero then
/// undoes the statement.
fn put_many_checked(table: &Table, pgvector: Pgvector, stale: Stale) -> String {
    let definition = &*table.definition;
    definition.with_shape(|shape| {
        let mut sql = String::from("WITH w AS (");
        sql.push_str(&shape.insert_into(Dialect::Postgres));
        sql.push_str(" SELECT ");
        for column in 0..definition.columns.len() {
            sql.push_str(separator(column));
            if definition.managed.version == Some(column) {
                sql.push('-');
            }
            table.push_given(&mut sql, column, pgvector);
        }
        table.push_from_arrays(&mut sql, true, pgvector);
        sql.push_str(" ORDER BY k.n");
        sql.push_str(&shape.put_tail(Dialect::Postgres));
        let mut version = String::new();
        if let Some(column) = definition.managed.version {
            Dialect::Postgres.push_identifier(&mut version, shape.columns[column]);
        }
        let _ = write!(sql, r#" WHERE "stored".{version} = -excluded.{version} RETURNING "#);
        let mut returned = String::new();
        for (place, column) in shape.key.iter().copied().chain(shape.returned()).enumerate() {
            returned.push_str(separator(place));
            Dialect::Postgres.push_identifier(&mut returned, shape.columns[column]);
        }
        let _ = write!(
            sql,
            "{returned}) SELECT {returned}, 1 / CASE WHEN bool_and({version} > 0) OVER ()"
        );
        if stale == Stale::FailsAll {
            let _ = write!(sql, " AND count(*) OVER () = ${}", definition.columns.len() + 1);
        }
        sql.push_str(" THEN 1 ELSE 0 END FROM w");
        sql
    })
}
