//! Writes, on whichever connection is there for them.
//!
//! Rows that are written together become one statement, with one array for each column. A row
//! without an id gets one from the sequence and is inserted, never put, so that it cannot take
//! another's place; a row with an id takes the sequence past it first.

use std::{
    iter::repeat_n,
    sync::{Arc, atomic::Ordering},
};

use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use storehouse_runtime::{
    EncodedKey, EncodedRow, Error, Expected, Result, Value, WriteMode, sql::Command,
};

use crate::{
    bind::Arguments,
    copy, decode, deferred,
    engine::Engine,
    error::UNIQUE_VIOLATION,
    pool::Failure,
    put::{self, Before, Stale},
    segments::segments,
    table::Table,
    types::Pgvector,
};

/// So often a generated id that is taken is tried again with the next.
const ATTEMPTS: usize = 3;

/// Which rows were stored, in runs: so many that were, or were not, one run after the other.
pub(crate) type Stored = Vec<(bool, usize)>;

/// Writes rows in order, fills in their ids, and tells which were stored: all, except where
/// `InsertIfAbsent` left something there. Several statements are one transaction, unless one is
/// open already. After a failure the rows are as they were.
pub(crate) async fn write(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &mut [EncodedRow],
    mode: WriteMode,
    in_transaction: bool,
    stale: Stale,
) -> Result<Stored, Failure> {
    let lengths = segments(table, rows, mode);
    let generated: Vec<bool> =
        starts(&lengths).map(|start| lacks_id(table, &rows[start])).collect();
    let before = Before::of(table, rows, mode);
    let result =
        write_segments(engine, table, connection, rows, &lengths, mode, in_transaction, stale);
    let result = result.await;
    if result.is_err() {
        before.give_back(table, rows);
        forget_ids(table, rows, &lengths, &generated);
    }
    result
}

/// Takes back the ids that were filled in.
fn forget_ids(table: &Table, rows: &mut [EncodedRow], lengths: &[usize], generated: &[bool]) {
    let Some(id) = table.definition.auto_integer() else { return };
    let mut rest = rows;
    for (&length, &generated) in lengths.iter().zip(generated) {
        let (segment, after) = rest.split_at_mut(length);
        rest = after;
        if generated {
            for row in segment {
                row.0[id] = Value::Null;
            }
        }
    }
}

/// Where each segment begins.
fn starts(lengths: &[usize]) -> impl Iterator<Item = usize> {
    lengths.iter().scan(0, |next, length| {
        let start = *next;
        *next += length;
        Some(start)
    })
}

/// Pairs rows with whether they were stored.
pub(crate) fn answers(
    rows: Vec<EncodedRow>,
    stored: Stored,
) -> impl Iterator<Item = Option<EncodedRow>> {
    let stored = stored.into_iter().flat_map(|(stored, length)| repeat_n(stored, length));
    rows.into_iter().zip(stored).map(|(row, stored)| stored.then_some(row))
}

#[expect(clippy::too_many_arguments, reason = "it is a part of `write`")]
async fn write_segments(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &mut [EncodedRow],
    lengths: &[usize],
    mode: WriteMode,
    in_transaction: bool,
    stale: Stale,
) -> Result<Stored, Failure> {
    pass_ids(engine, table, connection, rows).await?;
    let own_transaction = lengths.len() > 1 && !in_transaction;
    if own_transaction {
        sqlx::raw_sql("BEGIN").execute(&mut *connection).await?;
    }
    let is_put_off = lengths.len() > 1 && deferred::is_needed_between(engine, table);
    if is_put_off {
        deferred::put_off(connection).await?;
    }
    let mut stored = Vec::with_capacity(lengths.len());
    let mut rest = rows;
    let mut result = Ok(());
    for &length in lengths {
        let (segment, after) = rest.split_at_mut(length);
        rest = after;
        let in_transaction = in_transaction || own_transaction;
        let written =
            write_segment(engine, table, connection, segment, mode, in_transaction, stale);
        match written.await {
            Ok(Segment::Whole(is_stored)) => stored.push((is_stored, length)),
            Ok(Segment::Rows(are_stored)) => {
                stored.extend(are_stored.into_iter().map(|is_stored| (is_stored, 1)));
            }
            Err(failure) => {
                result = Err(failure);
                break;
            }
        }
    }
    if is_put_off && result.is_ok() {
        result = deferred::look(connection).await;
    }
    if own_transaction {
        let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = sqlx::raw_sql(end).execute(connection).await;
        // A failure that lost the connection has rolled back by itself. After any other, one that
        // could not roll back must not be used again.
        if !result.as_ref().is_err_and(Failure::is_lost) {
            ended?;
        }
    }
    result.map(|()| stored)
}

/// Which rows of a segment were stored.
pub(crate) enum Segment {
    /// All, or none.
    Whole(bool),
    /// Each in its order.
    Rows(Vec<bool>),
}

/// The row's key.
pub(crate) fn key_of(table: &Table, row: &EncodedRow) -> EncodedKey {
    table.definition.key.iter().map(|&column| row.0[column].clone()).collect()
}

/// Whether the row's id is left to the database.
pub(crate) fn lacks_id(table: &Table, row: &EncodedRow) -> bool {
    table.definition.auto_integer().is_some_and(|column| row.0[column].is_null())
}

/// Writes rows that can be one statement, and makes of them what is stored.
async fn write_segment(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &mut [EncodedRow],
    mut mode: WriteMode,
    in_transaction: bool,
    stale: Stale,
) -> Result<Segment, Failure> {
    let managed = &table.definition.managed;
    let mut must_be_new = false;
    if mode == WriteMode::Put && managed.version.is_some() {
        match rows.first().map(|row| managed.expected(row)) {
            Some(Expected::Version(_)) => {
                return put::checked(engine, table, connection, rows, stale).await;
            }
            Some(Expected::Nothing) => {
                mode = WriteMode::Insert;
                must_be_new = true;
            }
            _ => {}
        }
        for row in &mut *rows {
            managed.begin_version(row);
        }
    }
    match write_rows(engine, table, connection, rows, mode, in_transaction).await {
        Err(failure) if must_be_new && is_clash_of_ids(table, &failure) => {
            Err(table.definition.stale().into())
        }
        result => result.map(Segment::Whole),
    }
}

/// Writes rows that can be one statement, and fills in their ids. `false` when `InsertIfAbsent`
/// left something there.
async fn write_rows(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &mut [EncodedRow],
    mode: WriteMode,
    in_transaction: bool,
) -> Result<bool, Failure> {
    if copy::load(engine, table, connection, rows, mode, in_transaction).await? {
        return Ok(true);
    }
    let generated = rows.first().is_some_and(|row| lacks_id(table, row));
    if !generated {
        return write_given(engine, table, connection, rows, mode).await;
    }
    let mut attempt = 1;
    loop {
        match write_generated(engine, table, connection, rows, mode).await {
            // Somebody else wrote the very id that the sequence gave.
            Err(failure)
                if !in_transaction && attempt < ATTEMPTS && is_clash_of_ids(table, &failure) =>
            {
                attempt += 1;
                pass_greatest(table, connection).await?;
            }
            result => return result,
        }
    }
}

async fn write_given(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &mut [EncodedRow],
    mode: WriteMode,
) -> Result<bool, Failure> {
    let pgvector = engine.pgvector(table, connection).await?;
    let mut arguments = Arguments::new(&table.definition, pgvector);
    let query = if let [row] = rows {
        for (column, value) in row.0.iter().enumerate() {
            arguments.value(column, value)?;
        }
        let sql = match mode {
            WriteMode::Put => &table.crud.put,
            WriteMode::Insert => &table.crud.insert,
            WriteMode::InsertIfAbsent => &table.crud.insert_if_absent,
        };
        engine.query(AssertSqlSafe(sql.clone()), arguments.into_inner())
    } else {
        bind_columns(&mut arguments, table, rows)?;
        let sql = table.write_many(mode, false, pgvector);
        engine.query(AssertSqlSafe(sql), arguments.into_inner())
    };
    if mode == WriteMode::Put && table.definition.managed.changes_puts() {
        let stored = query.fetch_all(connection).await?;
        put::fill_in_all(table, rows, &stored)?;
        return Ok(true);
    }
    let changed = query.execute(connection).await?.rows_affected();
    Ok(changed > 0 || mode != WriteMode::InsertIfAbsent)
}

async fn write_generated(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &mut [EncodedRow],
    mode: WriteMode,
) -> Result<bool, Failure> {
    let Some(column) = table.definition.auto_integer() else { return Ok(false) };
    let pgvector = engine.pgvector(table, connection).await?;
    let mut arguments = Arguments::new(&table.definition, pgvector);
    bind_columns(&mut arguments, table, rows)?;
    let mut sql = table.write_many(mode, true, pgvector);
    if mode == WriteMode::InsertIfAbsent {
        let returning = sql.rfind(" RETURNING ").unwrap_or(sql.len());
        sql.insert_str(returning, " ON CONFLICT DO NOTHING");
    }
    let query = engine.query(AssertSqlSafe(sql), arguments.into_inner());
    let stored = query.fetch_all(connection).await?;
    for (row, stored) in rows.iter_mut().zip(&stored) {
        let column_type = table.definition.columns[column].column_type;
        let id = decode::value(column_type, stored, 0);
        row.0[column] = id.map_err(|error| table.decode_error(error))?;
    }
    Ok(!stored.is_empty())
}

pub(crate) fn bind_columns(
    arguments: &mut Arguments<'_>,
    table: &Table,
    rows: &[EncodedRow],
) -> Result<()> {
    for column in 0..table.definition.columns.len() {
        arguments.values(column, rows.iter().map(move |row| &row.0[column]))?;
    }
    Ok(())
}

/// Binds the keys of every so many rows, one array for each column of the key.
pub(crate) fn bind_keys(
    arguments: &mut Arguments<'_>,
    table: &Table,
    rows: &[EncodedRow],
    step: usize,
) -> Result<()> {
    for &column in &*table.definition.key {
        arguments.values(column, rows.iter().step_by(step).map(move |row| &row.0[column]))?;
    }
    Ok(())
}

/// Takes the sequence past every id that is given, so that none of them is generated later.
async fn pass_ids(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &[EncodedRow],
) -> Result<(), Failure> {
    let Some(column) = table.definition.auto_integer() else { return Ok(()) };
    let given = rows.iter().filter_map(|row| match row.0[column] {
        Value::Int(id) => Some(id),
        _ => None,
    });
    let Some(greatest) = given.max() else { return Ok(()) };
    // The sequence never goes back, so what is known to be passed stays so.
    if greatest <= table.passed.load(Ordering::Acquire) {
        return Ok(());
    }
    let sql = AssertSqlSafe(table.pass_id(column));
    sqlx::query(sql)
        .bind(greatest)
        .persistent(!engine.options.transaction_pooling)
        .execute(connection)
        .await?;
    table.passed.fetch_max(greatest, Ordering::AcqRel);
    Ok(())
}

/// Takes the sequence past every id in the table.
async fn pass_greatest(table: &Table, connection: &mut PgConnection) -> Result<(), Failure> {
    let Some(column) = table.definition.auto_integer() else { return Ok(()) };
    let sql = table.definition.with_shape(|shape| {
        let mut sql = String::from("SELECT coalesce(max(");
        storehouse_sql::Dialect::Postgres.push_identifier(&mut sql, shape.columns[column]);
        sql.push_str("), 0)::bigint FROM ");
        sql.push_str(&shape.table_name(storehouse_sql::Dialect::Postgres));
        sql
    });
    let greatest: i64 = sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    let sql = AssertSqlSafe(table.pass_id(column));
    sqlx::query(sql).bind(greatest).persistent(false).execute(connection).await?;
    Ok(())
}

/// Whether a row with the key is there already.
fn is_clash_of_ids(table: &Table, failure: &Failure) -> bool {
    if failure.code() != Some(UNIQUE_VIOLATION) {
        return false;
    }
    let Failure::Sqlx(sqlx::Error::Database(error)) = failure else { return false };
    let constraint = error.constraint().unwrap_or_default();
    let is_declared = |name: &str| crate::ddl::index_name(name) == constraint;
    !table.definition.indexes.iter().any(|index| is_declared(&index.name))
}

/// Runs a command that inserts `row` or changes the one that is in its way, and answers with the
/// row as stored.
pub(crate) async fn upsert(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    row: &EncodedRow,
    command: Command<'_>,
    in_transaction: bool,
) -> Result<EncodedRow, Failure> {
    pass_ids(engine, table, connection, std::slice::from_ref(row)).await?;
    let is_generated = lacks_id(table, row);
    let mut attempt = 1;
    loop {
        match returning(engine, table, connection, command).await {
            // Somebody else wrote the very id that the sequence gave.
            Err(failure)
                if is_generated
                    && !in_transaction
                    && attempt < ATTEMPTS
                    && is_clash_of_ids(table, &failure) =>
            {
                attempt += 1;
                pass_greatest(table, connection).await?;
            }
            result => {
                let stored = result?;
                return stored.ok_or_else(|| {
                    Error::backend("PostgreSQL did not return the row that it stored", None).into()
                });
            }
        }
    }
}

/// Runs a command that returns the row that it wrote, if it wrote one.
pub(crate) async fn returning(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    command: Command<'_>,
) -> Result<Option<EncodedRow>, Failure> {
    let rendered = table.statements.render(&table.definition, command);
    let pgvector = engine.pgvector(table, connection).await?;
    let mut arguments = Arguments::new(&table.definition, pgvector);
    arguments.parameters(&rendered.parameters)?;
    let sql = AssertSqlSafe(Arc::clone(&rendered.sql));
    let row = engine.query(sql, arguments.into_inner()).fetch_optional(connection).await?;
    let row = row.map(|row| decode::whole_row(&table.definition, &row)).transpose();
    row.map_err(|error| Failure::from(table.decode_error(error)))
}

/// Deletes the row with that key.
pub(crate) async fn delete(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    key: &EncodedKey,
) -> Result<bool, Failure> {
    let mut arguments = Arguments::new(&table.definition, Pgvector::default());
    for (&column, value) in table.definition.key.iter().zip(key.values()) {
        arguments.value(column, value)?;
    }
    let sql = AssertSqlSafe(table.crud.delete.clone());
    let deleted = engine.query(sql, arguments.into_inner()).execute(connection).await?;
    Ok(deleted.rows_affected() > 0)
}

/// Runs a command that gives no rows, and counts those that it changed.
pub(crate) async fn execute(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    command: Command<'_>,
) -> Result<u64, Failure> {
    let rendered = table.statements.render(&table.definition, command);
    let pgvector = engine.pgvector(table, connection).await?;
    let mut arguments = Arguments::new(&table.definition, pgvector);
    arguments.parameters(&rendered.parameters)?;
    let sql = AssertSqlSafe(Arc::clone(&rendered.sql));
    let changed = engine.query(sql, arguments.into_inner()).execute(connection).await?;
    Ok(changed.rows_affected())
}

/// Deletes every row.
pub(crate) async fn delete_all(
    table: &Table,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    let sql = AssertSqlSafe(table.crud.delete_all.clone());
    sqlx::raw_sql(sql).execute(connection).await?;
    Ok(())
}
