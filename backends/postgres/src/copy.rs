//! Large loads, by PostgreSQL's `COPY`: about twice as fast as rows in arrays, but it only adds
//! rows and never replaces one.
//!
//! The format is that of "Binary Format" on the manual's page about `COPY`
//! (<https://www.postgresql.org/docs/current/sql-copy.html>).

use std::sync::atomic::Ordering;

use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use storehouse_runtime::{EncodedRow, Result, Value, WriteMode};

use crate::{
    bind::{Arguments, write_field},
    engine::Engine,
    error::UNIQUE_VIOLATION,
    pool::Failure,
    table::Table,
    types::Pgvector,
    write::bind_keys,
};

/// From so many rows on a load is worth the round trips that it takes beside the rows.
const WORTHWHILE: usize = 1_000;

/// So many keys are looked for before all of them are, where rows were replaced the last time; and
/// so many and no more where they were not.
const FEW: usize = 8;
const SAMPLE: usize = 64;

/// So many bytes are sent at a time, about: the server stores them while the next are written.
const CHUNK: usize = 1 << 16;

/// What a binary copy begins with: a signature, no flags, no extension.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What stands in the place of a row's number of columns after the last row.
const END: i16 = -1;

/// The column is of another type than the definition says.
const INVALID_BINARY: &str = "22P03";

/// Adds rows that are one segment, or says that they have to be written in another way. Missing
/// ids are filled in.
pub(crate) async fn load(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &mut [EncodedRow],
    mode: WriteMode,
    in_transaction: bool,
) -> Result<bool, Failure> {
    if rows.len() < WORTHWHILE || mode == WriteMode::InsertIfAbsent || !engine.profile.has_copy() {
        return Ok(false);
    }
    let generated = table.definition.auto_integer().filter(|&id| rows[0].0[id].is_null());
    if let Some(id) = generated {
        draw_ids(table, connection, rows, id).await?;
    } else if mode == WriteMode::Put {
        // Who replaced rows does so again, as a rule, and then a few keys tell. Who did not need not
        // have all of them looked for, which takes a third of the time of the copy: one that a
        // sample misses stops the copy, early if there are many.
        let found = if table.replaced.load(Ordering::Relaxed) {
            has_any(engine, table, connection, rows, rows.len() / FEW).await?
                || has_any(engine, table, connection, rows, 1).await?
        } else {
            has_any(engine, table, connection, rows, rows.len() / SAMPLE).await?
        };
        table.replaced.store(found, Ordering::Relaxed);
        if found {
            return Ok(false);
        }
    }
    if in_transaction {
        sqlx::raw_sql("SAVEPOINT storehouse_copy").execute(&mut *connection).await?;
    }
    let failure = match copy(engine, table, connection, rows).await {
        Ok(()) => None,
        Err(failure) if failure.is_lost() => return Err(failure),
        Err(failure) => Some(failure),
    };
    if in_transaction {
        let end = match failure {
            None => "RELEASE SAVEPOINT storehouse_copy",
            Some(_) => "ROLLBACK TO SAVEPOINT storehouse_copy; RELEASE SAVEPOINT storehouse_copy",
        };
        sqlx::raw_sql(end).execute(connection).await?;
    }
    let Some(failure) = failure else { return Ok(true) };
    // An id that was drawn may be taken, and a row that is put may have appeared meanwhile: the
    // other way knows what to do about both.
    let may_go_otherwise = match failure.code() {
        Some(UNIQUE_VIOLATION) => mode == WriteMode::Put || generated.is_some(),
        Some(INVALID_BINARY) => true,
        _ => false,
    };
    if !may_go_otherwise {
        return Err(failure);
    }
    if mode == WriteMode::Put && failure.code() == Some(UNIQUE_VIOLATION) {
        table.replaced.store(true, Ordering::Relaxed);
    }
    if let Some(id) = generated {
        for row in rows {
            row.0[id] = Value::Null;
        }
    }
    Ok(false)
}

/// Takes ids for all rows from the sequence.
async fn draw_ids(
    table: &Table,
    connection: &mut PgConnection,
    rows: &mut [EncodedRow],
    id: usize,
) -> Result<(), Failure> {
    let sql = AssertSqlSafe(table.draw_ids(id));
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let drawn = sqlx::query(sql).bind(count).persistent(false).fetch_all(connection).await?;
    for (row, drawn) in rows.iter_mut().zip(&drawn) {
        let drawn = drawn.try_get(0)?;
        row.0[id] = Value::Int(drawn);
    }
    Ok(())
}

/// Whether a row with one of the keys is there, of which every so many are looked for.
async fn has_any(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &[EncodedRow],
    step: usize,
) -> Result<bool, Failure> {
    let mut arguments = Arguments::new(&table.definition, Pgvector::default());
    bind_keys(&mut arguments, table, rows, step)?;
    let sql = AssertSqlSafe(format!("SELECT EXISTS ({})", table.get_many));
    let found = engine.query(sql, arguments.into_inner()).fetch_one(connection).await?;
    Ok(found.try_get(0)?)
}

async fn copy(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rows: &[EncodedRow],
) -> Result<(), Failure> {
    let definition = &*table.definition;
    let pgvector = engine.pgvector(table, connection).await?;
    let columns = i16::try_from(definition.columns.len());
    let columns = columns.map_err(|error| sqlx::Error::Encode(error.into()))?;
    let mut sent = connection.copy_in_raw(&table.copy_in()).await?;
    let mut chunk = Vec::with_capacity(CHUNK + CHUNK / 8);
    chunk.extend_from_slice(HEAD);
    for row in rows {
        chunk.extend_from_slice(&columns.to_be_bytes());
        for (column, value) in row.0.iter().enumerate() {
            if let Err(error) = write_field(definition, column, value, pgvector, &mut chunk) {
                sent.abort("a value cannot be stored").await?;
                return Err(error.into());
            }
        }
        if chunk.len() >= CHUNK {
            sent.send(chunk.as_slice()).await?;
            chunk.clear();
        }
    }
    chunk.extend_from_slice(&END.to_be_bytes());
    sent.send(chunk.as_slice()).await?;
    sent.finish().await?;
    Ok(())
}
