//! The log of a table's changes: a table beside it, which triggers fill, whoever writes.
//!
//! SQLite has one writer at a time, so the numbers of a log are in the order of the commits. Who
//! waits for changes is woken by this process's own commits, and by a thread that sees those of
//! others.

pub(crate) mod ddl;
mod prune;
pub(crate) mod watch;

use std::{sync::Arc, time::Duration};

use rusqlite::{Connection, OptionalExtension as _, Row};
use storehouse_runtime::{
    ChangeCursor, ChangeKind, ChangeLog, EncodedRow, Error, LogBatch, LogPosition, LoggedChange,
    Result, TableDef,
};
use tokio::sync::watch as signal;
use uuid::Uuid;

pub(crate) use self::prune::{Pruning, prune_if_due};
use self::watch::Watch;
use crate::{decode, engine::Engine, error, job::Session, table::Table};

/// Where nobody sees what others commit, and where somebody does, in case that fails.
const POLL: Duration = Duration::from_millis(100);
const BACKSTOP: Duration = Duration::from_secs(1);

/// The log of one table.
pub(crate) struct SqliteLog {
    // Dropped before the engine, whose file it has open too.
    watch: Option<Arc<Watch>>,
    engine: Arc<Engine>,
    table: Arc<Table>,
}

/// What is known of a log beside its changes.
struct State {
    log: Uuid,
    /// The last change that was pruned.
    floor: u64,
    /// The last number that was given.
    last: u64,
}

impl SqliteLog {
    pub(crate) fn new(engine: &Arc<Engine>, table: &Arc<Table>) -> Self {
        let watch = engine.changes.watch();
        Self { watch, engine: Arc::clone(engine), table: Arc::clone(table) }
    }
}

impl ChangeLog for SqliteLog {
    fn definition(&self) -> &Arc<TableDef> {
        &self.table.definition
    }

    async fn now(&self) -> Result<LogPosition> {
        let table = Arc::clone(&self.table);
        let read = move |session: &Session<'_>| {
            let state = State::read(session.connection, &table)?;
            Ok(state.position(state.last))
        };
        self.engine.read(read).await
    }

    async fn snapshot(&self) -> Result<(Vec<EncodedRow>, LogPosition)> {
        let table = Arc::clone(&self.table);
        self.engine.read(move |session: &Session<'_>| snapshot(session.connection, &table)).await
    }

    async fn read(
        &self,
        after: LogPosition,
        until: Option<LogPosition>,
        limit: usize,
    ) -> Result<LogBatch> {
        prune_if_due(&self.engine, &self.table);
        let table = Arc::clone(&self.table);
        let read = move |session: &Session<'_>| {
            read(session.connection, &table, &after, until.as_ref(), limit)
        };
        self.engine.read(read).await
    }

    fn wake(&self) -> signal::Receiver<u64> {
        self.engine.changes.subscribe()
    }

    fn poll_interval(&self) -> Duration {
        match &self.watch {
            Some(watch) if watch.is_running() => BACKSTOP,
            // Nobody but this process can write to a database in memory.
            _ if !self.engine.is_file => BACKSTOP,
            _ => POLL,
        }
    }
}

impl State {
    fn read(connection: &Connection, table: &Table) -> Result<Self> {
        let missing = |table: &Table| Error::no_change_log(&table.name);
        let read = |connection: &Connection| -> rusqlite::Result<Option<(String, i64, i64)>> {
            connection
                .prepare_cached(&ddl::state(table))?
                .query_row([&table.name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
        };
        let state = match read(connection) {
            Ok(state) => state,
            Err(error) if is_missing(&error) => None,
            Err(error) => return Err(error::of_database(error)),
        };
        let (identity, floor, last) = state.ok_or_else(|| missing(table))?;
        let log = Uuid::parse_str(&identity).map_err(|_| missing(table))?;
        Ok(Self { log, floor: number(floor), last: number(last) })
    }

    fn position(&self, id: u64) -> LogPosition {
        LogPosition { log: self.log, id, detail: None }
    }
}

fn number(id: i64) -> u64 {
    u64::try_from(id).unwrap_or_default()
}

fn is_missing(error: &rusqlite::Error) -> bool {
    error.to_string().contains("no such table")
}

fn read(
    connection: &Connection,
    table: &Table,
    after: &LogPosition,
    until: Option<&LogPosition>,
    limit: usize,
) -> Result<LogBatch> {
    let until = until.map_or(i64::MAX, |until| i64::try_from(until.id).unwrap_or(i64::MAX));
    let from = i64::try_from(after.id).unwrap_or(i64::MAX);
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = || -> rusqlite::Result<Result<Vec<LoggedChange>>> {
        let mut statement = connection.prepare_cached(&ddl::select(table))?;
        let mut rows = statement.query([from, until, most])?;
        let mut changes = Vec::new();
        while let Some(row) = rows.next()? {
            match change(table, row, after.log) {
                Ok(change) => changes.push(change),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(changes))
    };
    let changes = match rows() {
        Ok(changes) => changes,
        // Which table it is that is missing is told below.
        Err(error) if is_missing(&error) => Ok(Vec::new()),
        Err(error) => return Err(error::of_database(error)),
    };
    // Read last: if nothing behind `after` was pruned by now, nothing was before.
    let state = State::read(connection, table)?;
    if state.log != after.log || after.id < state.floor || after.id > state.last {
        let oldest = ChangeCursor::oldest(&table.definition, state.position(state.floor));
        return Err(Error::lagged(oldest));
    }
    let changes = changes?;
    let is_last = changes.len() < limit;
    let end = changes.last().map_or(after.id, |change| change.position.id);
    Ok(LogBatch { changes, end: state.position(end), is_last })
}

fn change(table: &Table, row: &Row<'_>, log: Uuid) -> Result<LoggedChange> {
    let head =
        || -> rusqlite::Result<(i64, i64, i64)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
    let (id, kind, at) = head().map_err(error::of_database)?;
    let kind = match kind {
        ddl::INSERT => ChangeKind::Insert,
        ddl::UPDATE => ChangeKind::Update,
        _ => ChangeKind::Delete,
    };
    let definition = &*table.definition;
    let part = |is_there: bool, offset: usize| -> Result<Option<EncodedRow>> {
        if !is_there {
            return Ok(None);
        }
        let values = decode::row_at(definition, row, ddl::HEAD + offset);
        values.map(Some).map_err(|error| table.decode_error(error))
    };
    Ok(LoggedChange {
        kind,
        at,
        old: part(kind != ChangeKind::Insert, 0)?,
        new: part(kind != ChangeKind::Delete, definition.columns.len())?,
        position: LogPosition { log, id: number(id), detail: None },
    })
}

/// Every row, and the last change that made them.
fn snapshot(connection: &Connection, table: &Table) -> Result<(Vec<EncodedRow>, LogPosition)> {
    // One read transaction, so that both are of one moment.
    connection.execute_batch("BEGIN").map_err(error::of_database)?;
    let read = || {
        let state = State::read(connection, table)?;
        let rows = || -> rusqlite::Result<Result<Vec<EncodedRow>>> {
            let mut statement = connection.prepare_cached(&table.crud.select)?;
            let mut rows = statement.query([])?;
            let mut read = Vec::new();
            while let Some(row) = rows.next()? {
                match decode::whole_row(&table.definition, row) {
                    Ok(row) => read.push(row),
                    Err(error) => return Ok(Err(table.decode_error(error))),
                }
            }
            Ok(Ok(read))
        };
        let rows = rows().map_err(|error| error::of_table(error, table))??;
        Ok((rows, state.position(state.last)))
    };
    let read = read();
    connection.execute_batch("COMMIT").map_err(error::of_database)?;
    read
}
