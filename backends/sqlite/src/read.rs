//! Reads, as they run on whichever connection is there for them.

use std::{ffi::c_int, ops::ControlFlow};

use rusqlite::{CachedStatement, Connection, StatementStatus};
use storehouse_runtime::{
    EncodedKey, Error, FilterTree, Result, RowSink, Selection,
    sql::{Command, Rendered},
};

use crate::{bind, decode::RowSource, error, job::Session, table::Table};

/// After so many rows a long read looks whether its caller still waits for it.
pub(crate) const ROWS_AT_ONCE: usize = 1_024;

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

/// Hands the rows that a query gives to `sink`, in order, except for the first `handed_over`, and
/// counts them there. Returns how many instructions it took.
pub(crate) fn hand_over(
    statement: &mut CachedStatement<'_>,
    session: &Session<'_>,
    table: &Table,
    sink: &mut RowSink,
    handed_over: &mut usize,
) -> Result<c_int> {
    statement.reset_status(StatementStatus::VmStep);
    let mut rows = statement.raw_query();
    let mut to_pass_over = *handed_over;
    while let Some(row) = rows.next().map_err(|error| error::of_table(error, table))? {
        if to_pass_over > 0 {
            to_pass_over -= 1;
            continue;
        }
        let received = sink.receive(*handed_over, &mut RowSource(row));
        let is_enough = received.map_err(|error| table.decode_error(error))?.is_break();
        *handed_over += 1;
        if is_enough {
            break;
        }
        if handed_over.is_multiple_of(ROWS_AT_ONCE) && !session.is_wanted() {
            return Err(Error::closed("nobody waits for this read any more"));
        }
    }
    drop(rows);
    Ok(statement.get_status(StatementStatus::VmStep))
}

/// Counts the rows that match.
pub(crate) fn count(session: &Session<'_>, table: &Table, filter: &FilterTree) -> Result<u64> {
    let rendered = table.statements.render(&table.definition, Command::Count(filter));
    let mut statement = prepare_bound(session.connection, table, &rendered)?;
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

/// Prepares what was rendered and binds its parameters.
pub(crate) fn prepare_bound<'c>(
    connection: &'c Connection,
    table: &Table,
    rendered: &Rendered<'_>,
) -> Result<CachedStatement<'c>> {
    let mut statement = prepare(connection, table, &rendered.sql)?;
    bind::parameters(&mut statement, &rendered.parameters)
        .map_err(|error| error::of_table(error, table))?;
    Ok(statement)
}

/// A transaction that only reads, unless one is open already. It ends when it is dropped.
pub(crate) struct ReadTransaction<'c>(Option<&'c Connection>);

impl<'c> ReadTransaction<'c> {
    pub(crate) fn begin(connection: &'c Connection) -> rusqlite::Result<Self> {
        if !connection.is_autocommit() {
            return Ok(Self(None));
        }
        connection.prepare_cached("BEGIN")?.raw_execute()?;
        Ok(Self(Some(connection)))
    }

    /// Lets it go on when this is gone.
    pub(crate) fn leave_open(mut self) {
        self.0 = None;
    }

    /// One that was left open.
    pub(crate) fn resumed(connection: &'c Connection) -> Self {
        Self((!connection.is_autocommit()).then_some(connection))
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
