//! Puts of rows of which another may be stored than is given: the time of creation stays, and the
//! version is compared and counted, each in the statement that writes.

use std::slice;

use rusqlite::{Connection, Error as SqliteError};
use storehouse_runtime::{DecodeError, EncodedRow, Error, Expected, Result, Value, WriteMode};

use crate::{
    bind, decode,
    job::Session,
    references::{self, Bulk},
    table::Table,
    write::{insert, write_one},
};

/// Puts rows of which another may be stored than is given: each has to be read back.
pub(crate) fn managed(
    session: &Session<'_>,
    table: &Table,
    mut rows: Vec<EncodedRow>,
) -> Result<Vec<Option<EncodedRow>>> {
    let connection = session.connection;
    let managed = &table.definition.managed;
    if let [row] = rows.as_mut_slice()
        && table.ids.takes_one_statement(row)
        && table.ids.missing(row).is_some()
    {
        // A row without an id is a new one.
        managed.begin_version(row);
        write_one(session, table, row, WriteMode::Insert)?;
        return Ok(rows.into_iter().map(Some).collect());
    }
    table.ids.assign(connection, table, &mut rows)?;
    // One row is one statement, and nothing is there to undo it when it fails later.
    let mut bulk = (rows.len() > 1).then(|| Bulk::new(connection));
    for row in &mut rows {
        one(connection, table, row, bulk.as_mut())?;
    }
    if let Some(bulk) = bulk {
        bulk.finish().map_err(|error| {
            let written = rows.iter().flat_map(|row| row.0.iter().enumerate());
            references::of_write(error, connection, table, &written)
        })?;
    }
    Ok(rows.into_iter().map(Some).collect())
}

/// Puts one row and makes of it what is stored.
fn one(
    connection: &Connection,
    table: &Table,
    row: &mut EncodedRow,
    bulk: Option<&mut Bulk<'_>>,
) -> Result<()> {
    let definition = &table.definition;
    let expected = definition.managed.expected(row);
    if !matches!(expected, Expected::Version(_)) {
        definition.managed.begin_version(row);
    }
    let run = || match expected {
        Expected::Nothing => {
            insert(connection, &table.crud.insert, row).map(|_| Some(Ok(Vec::new())))
        }
        Expected::Version(_) => {
            put(connection, table, row, table.crud.put_checked.as_deref().unwrap_or_default(), true)
        }
        Expected::Anything => put(connection, table, row, &table.crud.put, false),
    };
    let stored = match bulk {
        Some(bulk) => bulk.run(run),
        None => run(),
    };
    let stored = stored.map_err(|error| {
        match references::of_write(error, connection, table, &row.0.iter().enumerate()) {
            Error::Conflict { columns, .. }
                if expected == Expected::Nothing && definition.is_key(&columns) =>
            {
                definition.stale()
            }
            other => other,
        }
    })?;
    let Some(values) = stored else { return Err(definition.stale()) };
    for (column, value) in values.map_err(|error| table.decode_error(error))? {
        row.0[column] = value;
    }
    Ok(())
}

/// The managed columns as they are stored.
type Stored = Result<Vec<(usize, Value)>, DecodeError>;

/// Runs a put, and answers with what it gives back, if it stored the row. One that is checked
/// takes every value but that of the time of creation.
fn put(
    connection: &Connection,
    table: &Table,
    row: &EncodedRow,
    sql: &str,
    is_checked: bool,
) -> Result<Option<Stored>, SqliteError> {
    let definition = &table.definition;
    let managed = &definition.managed;
    let mut statement = connection.prepare_cached(sql)?;
    let mut parameter = 1;
    for (column, value) in row.0.iter().enumerate() {
        if !(is_checked && managed.created_at == Some(column)) {
            bind::values(&mut statement, parameter, slice::from_ref(value))?;
            parameter += 1;
        }
    }
    let mut rows = statement.raw_query();
    let Some(stored) = rows.next()? else { return Ok(None) };
    // In the order in which the statement gives them back.
    let columns = managed.created_at.into_iter().chain(managed.version);
    let values = columns.enumerate().map(|(place, column)| {
        let column_type = definition.columns[column].column_type;
        let value = decode::value(column_type, &mut decode::RowSource(stored), place);
        value.map(|value| (column, value))
    });
    let values = values.collect();
    // The statement has to come to its end: that is where it commits when it is alone.
    while rows.next()?.is_some() {}
    Ok(Some(values))
}
