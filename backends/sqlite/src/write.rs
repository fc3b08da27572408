//! Writes, as they run on the writer's connection.

use rusqlite::{Connection, ErrorCode};
use storehouse_runtime::{
    Assignment, EncodedKey, EncodedRow, FilterTree, Result, WriteMode, sql::Command,
};

use crate::{
    bind, decode, error,
    job::{Session, Weight},
    table::Table,
};

/// Whether writing `rows` is one statement or several that must be undone together.
pub(crate) fn weight(table: &Table, rows: &[EncodedRow]) -> Weight {
    match rows {
        [row] if table.ids.takes_one_statement(row) => Weight::OneStatement,
        _ => Weight::Several,
    }
}

/// Writes rows in order and answers with them, and with `None` where `InsertIfAbsent` left
/// something there.
pub(crate) fn write(
    session: &Session<'_>,
    table: &Table,
    mut rows: Vec<EncodedRow>,
    mode: WriteMode,
) -> Result<Vec<Option<EncodedRow>>> {
    let connection = session.connection;
    if let [row] = rows.as_mut_slice()
        && table.ids.takes_one_statement(row)
    {
        let is_written = write_one(session, table, row, mode)?;
        return Ok(rows.into_iter().map(|row| is_written.then_some(row)).collect());
    }
    table.ids.assign(connection, table, &mut rows)?;
    write_many(connection, table, rows, mode).map_err(|error| error::of_table(error, table))
}

fn write_one(
    session: &Session<'_>,
    table: &Table,
    row: &mut EncodedRow,
    mode: WriteMode,
) -> Result<bool> {
    let connection = session.connection;
    let generated = table.ids.missing(row);
    if let Some(generated) = generated
        && session.is_shared
    {
        // An insert for which SQLite finds no id undoes the whole transaction, others' work too.
        generated.check(connection, table)?;
    }
    let changed = insert(connection, table.one(mode), row).map_err(|error| {
        // SQLite reports that no id is left as a full disk.
        if let Some(generated) = generated
            && error.sqlite_error_code() == Some(ErrorCode::DiskFull)
            && let Err(used_up) = generated.check(connection, table)
        {
            return used_up;
        }
        error::of_table(error, table)
    })?;
    if let Some(generated) = generated
        && changed > 0
    {
        generated.fill_in(connection, row);
    }
    Ok(changed > 0 || mode != WriteMode::InsertIfAbsent)
}

fn write_many(
    connection: &Connection,
    table: &Table,
    rows: Vec<EncodedRow>,
    mode: WriteMode,
) -> rusqlite::Result<Vec<Option<EncodedRow>>> {
    let mut rest = rows.as_slice();
    while let Some((count, sql)) = table.block(rest.len(), mode) {
        let mut statement = connection.prepare_cached(sql)?;
        while let Some((block, after)) = rest.split_at_checked(count) {
            let columns = table.definition.columns.len();
            for (first, row) in (1..).step_by(columns).zip(block) {
                bind::values(&mut statement, first, &row.0)?;
            }
            statement.raw_execute()?;
            rest = after;
        }
    }
    let in_blocks = rows.len() - rest.len();
    let sql = table.one(mode);
    let mut stored = Vec::with_capacity(rows.len());
    for (position, row) in rows.into_iter().enumerate() {
        let is_stored = position < in_blocks
            || insert(connection, sql, &row)? > 0
            || mode != WriteMode::InsertIfAbsent;
        stored.push(is_stored.then_some(row));
    }
    Ok(stored)
}

/// Runs a statement that writes one row, and counts the rows that it changed.
fn insert(connection: &Connection, sql: &str, row: &EncodedRow) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached(sql)?;
    bind::values(&mut statement, 1, &row.0)?;
    statement.raw_execute()
}

/// Changes columns of the row with that key, and answers with the whole row.
pub(crate) fn update(
    session: &Session<'_>,
    table: &Table,
    key: &EncodedKey,
    assignments: &[Assignment],
) -> Result<Option<EncodedRow>> {
    let rendered = table.statements.render(&table.definition, Command::Update { key, assignments });
    let run = || {
        let mut statement = session.connection.prepare_cached(&rendered.sql)?;
        bind::parameters(&mut statement, &rendered.parameters)?;
        let mut rows = statement.raw_query();
        let row = rows.next()?.map(|row| decode::whole_row(&table.definition, row));
        // The statement has to come to its end: that is where it commits when it is alone.
        while rows.next()?.is_some() {}
        Ok(row)
    };
    let row = run().map_err(|error| error::of_table(error, table))?;
    row.transpose().map_err(|error| table.decode_error(error))
}

/// Deletes the row with that key.
pub(crate) fn delete(session: &Session<'_>, table: &Table, key: &EncodedKey) -> Result<bool> {
    let run = || {
        let mut statement = session.connection.prepare_cached(&table.crud.delete)?;
        bind::values(&mut statement, 1, key.values())?;
        statement.raw_execute()
    };
    run().map(|deleted| deleted > 0).map_err(|error| error::of_table(error, table))
}

/// Deletes the rows that match, and counts them.
pub(crate) fn delete_search(
    session: &Session<'_>,
    table: &Table,
    filter: &FilterTree,
) -> Result<u64> {
    let rendered = table.statements.render(&table.definition, Command::Delete(filter));
    let run = || {
        let mut statement = session.connection.prepare_cached(&rendered.sql)?;
        bind::parameters(&mut statement, &rendered.parameters)?;
        statement.raw_execute()
    };
    run().map(|deleted| deleted as u64).map_err(|error| error::of_table(error, table))
}

/// Deletes every row.
pub(crate) fn delete_all(session: &Session<'_>, table: &Table) -> Result<()> {
    let run = || session.connection.prepare_cached(&table.crud.delete_all)?.raw_execute();
    run().map(drop).map_err(|error| error::of_table(error, table))
}
