//! Reads, as they run on whichever connection is there for them.

use std::ops::ControlFlow;

use rusqlite::{CachedStatement, Connection};
use storehouse_runtime::{
    Aggregation, EncodedKey, Error, FilterTree, Result, RowSink, Selection, sql::Command,
};

use crate::{bind, decode::RowSource, error, job::Session, table::Table};

/// After so many rows a long read looks whether its caller still waits for it.
pub(crate) const PATIENCE: usize = 1_024;

/// Hands the row with that key to `sink`.
pub(crate) fn get(
    connection: &Connection,
    table: &Table,
    key: &EncodedKey,
    mut sink: RowSink,
) -> Result<RowSink> {
    let mut statement = prepare(connection, table, &table.crud.get)?;
    let _ = get_into(&mut statement, table, key, 0, &mut sink)?;
    Ok(sink)
}

/// Hands each row that has one of the keys to `sink`, with its key's place among them.
pub(crate) fn get_many(
    connection: &Connection,
    table: &Table,
    keys: &[EncodedKey],
    mut sink: RowSink,
) -> Result<RowSink> {
    // One transaction: all keys see the same state, and the file is locked once.
    let _transaction = ReadTransaction::begin(connection).map_err(error::of_database)?;
    let mut statement = prepare(connection, table, &table.crud.get)?;
    for (position, key) in keys.iter().enumerate() {
        if get_into(&mut statement, table, key, position, &mut sink)?.is_break() {
            break;
        }
    }
    Ok(sink)
}

/// Hands the selected rows to `sink`, in order.
pub(crate) fn select(
    session: &Session<'_>,
    table: &Table,
    selection: &Selection,
    sink: RowSink,
) -> Result<RowSink> {
    hand_over(session, table, Command::Select(selection), sink)
}

/// Hands the answer of an aggregation to `sink`, in order.
pub(crate) fn aggregate(
    session: &Session<'_>,
    table: &Table,
    aggregation: &Aggregation,
    sink: RowSink,
) -> Result<RowSink> {
    hand_over(session, table, Command::Aggregate(aggregation), sink)
}

/// Hands the rows that a command gives to `sink`.
fn hand_over(
    session: &Session<'_>,
    table: &Table,
    command: Command<'_>,
    mut sink: RowSink,
) -> Result<RowSink> {
    let mut statement = render(session.connection, table, command)?;
    let mut rows = statement.raw_query();
    let mut position = 0;
    while let Some(row) = rows.next().map_err(|error| error::of_table(error, table))? {
        let received = sink.receive(position, &mut RowSource(row));
        if received.map_err(|error| table.decode_error(error))?.is_break() {
            break;
        }
        position += 1;
        if position % PATIENCE == 0 && !session.is_wanted() {
            return Err(Error::closed("nobody waits for this read any more"));
        }
    }
    Ok(sink)
}

/// Counts the rows that match.
pub(crate) fn count(session: &Session<'_>, table: &Table, filter: &FilterTree) -> Result<u64> {
    let mut statement = render(session.connection, table, Command::Count(filter))?;
    let mut rows = statement.raw_query();
    let mut count = || rows.next()?.map_or(Ok(0), |row| row.get::<_, i64>(0));
    // A count is never negative.
    count().map(i64::unsigned_abs).map_err(|error| error::of_table(error, table))
}

/// How SQLite would run a query: the steps of its plan, each below the one that it is a part of.
pub(crate) fn explain(
    session: &Session<'_>,
    table: &Table,
    selection: &Selection,
) -> Result<String> {
    let rendered = table.statements.render(&table.definition, Command::Select(selection));
    let plan = || {
        let sql = format!("EXPLAIN QUERY PLAN {}", rendered.sql);
        let mut statement = session.connection.prepare(&sql)?;
        bind::parameters(&mut statement, &rendered.parameters)?;
        let mut rows = statement.raw_query();
        let mut depths: Vec<(i64, usize)> = Vec::new();
        let mut plan = String::new();
        while let Some(row) = rows.next()? {
            let (step, parent): (i64, i64) = (row.get(0)?, row.get(1)?);
            let above = depths.iter().find(|(step, _)| *step == parent);
            let depth = above.map_or(0, |(_, depth)| depth + 1);
            depths.push((step, depth));
            if !plan.is_empty() {
                plan.push('\n');
            }
            plan.push_str(&"  ".repeat(depth));
            plan.push_str(&row.get::<_, String>(3)?);
        }
        Ok(plan)
    };
    plan().map_err(|error| error::of_table(error, table))
}

fn get_into(
    statement: &mut CachedStatement<'_>,
    table: &Table,
    key: &EncodedKey,
    position: usize,
    sink: &mut RowSink,
) -> Result<ControlFlow<()>> {
    let failed = |error| error::of_table(error, table);
    bind::values(statement, 1, key.values()).map_err(failed)?;
    let mut rows = statement.raw_query();
    match rows.next().map_err(failed)? {
        Some(row) => {
            sink.receive(position, &mut RowSource(row)).map_err(|error| table.decode_error(error))
        }
        None => Ok(ControlFlow::Continue(())),
    }
}

fn prepare<'c>(
    connection: &'c Connection,
    table: &Table,
    sql: &str,
) -> Result<CachedStatement<'c>> {
    connection.prepare_cached(sql).map_err(|error| error::of_table(error, table))
}

/// Prepares a command and binds its parameters.
fn render<'c>(
    connection: &'c Connection,
    table: &Table,
    command: Command<'_>,
) -> Result<CachedStatement<'c>> {
    let rendered = table.statements.render(&table.definition, command);
    let mut statement = prepare(connection, table, &rendered.sql)?;
    bind::parameters(&mut statement, &rendered.parameters)
        .map_err(|error| error::of_table(error, table))?;
    Ok(statement)
}

/// A transaction that only reads, unless one is open already. It ends when it is dropped.
struct ReadTransaction<'c>(Option<&'c Connection>);

impl<'c> ReadTransaction<'c> {
    fn begin(connection: &'c Connection) -> rusqlite::Result<Self> {
        if !connection.is_autocommit() {
            return Ok(Self(None));
        }
        connection.prepare_cached("BEGIN")?.raw_execute()?;
        Ok(Self(Some(connection)))
    }
}

impl Drop for ReadTransaction<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.0 else { return };
        let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.raw_execute());
        if let Err(error) = ended {
            tracing::warn!(target: "storehouse", %error, "a read transaction could not be ended");
        }
    }
}
