//! The log of a table's changes: a table beside it, which triggers fill, whoever writes.
//!
//! How it is read without a gap is told in [`snapshot`]; how those who wait are woken in
//! [`signal`].

pub(crate) mod ddl;
mod prune;
pub(crate) mod signal;
mod snapshot;

use std::{sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, PgConnection, Row as _, SqlSafeStr as _,
    postgres::{PgArguments, PgRow},
};
use storehouse_runtime::{
    ChangeCursor, ChangeKind, ChangeLog, ColumnType, DecodeError, EncodedRow, Error, LogBatch,
    LogPosition, LoggedChange, Result, TableDef, Value,
};
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) use self::prune::prune_if_due;
use self::{
    ddl::Names,
    signal::Listening,
    snapshot::{Place, Snapshot},
};
use crate::{
    decode,
    engine::Engine,
    error,
    pool::{Failure, read_again, run},
    table::Table,
};

/// How often to look without having been told, for what programs wrote that tell nobody; and where
/// nobody can be told.
const POLL: Duration = Duration::from_millis(200);
const POLL_ALONE: Duration = Duration::from_millis(50);

/// The log of one table.
pub(crate) struct PostgresLog {
    engine: Arc<Engine>,
    table: Arc<Table>,
    listening: Option<Arc<Listening>>,
    select: String,
    names: Names,
}

impl PostgresLog {
    pub(crate) fn new(engine: &Arc<Engine>, table: &Arc<Table>) -> Self {
        let names = Names::nearby(&table.definition);
        Self {
            listening: engine.signals.listen(),
            select: ddl::select(&names, &table.definition),
            names,
            engine: Arc::clone(engine),
            table: Arc::clone(table),
        }
    }

    fn missing(&self) -> Error {
        Error::schema(format!(
            "table `{}` keeps no log of its changes; call `setup_database()` on a handle whose \
             definition has `#[table(changes)]`",
            self.table.definition.full_name()
        ))
    }

    /// What became of a look at the log.
    fn answer<R>(&self, result: Result<R, Failure>) -> Result<R> {
        result.map_err(|failure| match failure.code() {
            Some("42P01" | "3F000") => self.missing(),
            _ => error::of_table(failure, &self.table.definition),
        })
    }

    fn decode_error(&self, error: DecodeError) -> Error {
        self.table.decode_error(error)
    }

    fn change(&self, row: &PgRow, log: Uuid, place: &Place) -> Result<LoggedChange> {
        let definition = &*self.table.definition;
        let head = |column_type, column| {
            decode::value(column_type, row, column).map_err(|error| self.decode_error(error))
        };
        let (Value::Int(id), Value::Int(kind), Value::DateTime(at)) =
            (head(ColumnType::I64, 3)?, head(ColumnType::I16, 4)?, head(ColumnType::DateTime, 5)?)
        else {
            return Err(Error::decode("id", "a change in the log is not whole"));
        };
        let kind = match kind {
            ddl::INSERT => ChangeKind::Insert,
            ddl::UPDATE => ChangeKind::Update,
            _ => ChangeKind::Delete,
        };
        let part = |is_there: bool, offset: usize| -> Result<Option<EncodedRow>> {
            if !is_there {
                return Ok(None);
            }
            let value = |(position, column): (usize, &storehouse_runtime::ColumnDef)| {
                decode::value(column.column_type, row, ddl::HEAD + offset + position)
                    .map_err(|error| DecodeError::new(position, error.message))
            };
            let values: Result<Vec<_>, _> =
                definition.columns.iter().enumerate().map(value).collect();
            values.map(|values| Some(EncodedRow(values))).map_err(|error| self.decode_error(error))
        };
        Ok(LoggedChange {
            kind,
            at,
            old: part(kind != ChangeKind::Insert, 0)?,
            new: part(kind != ChangeKind::Delete, definition.columns.len())?,
            position: Place { id, ..place.clone() }.position(log),
        })
    }

    /// Which log it is, what was pruned, and what is visible now.
    async fn look(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<(Uuid, Arc<str>)>, Failure> {
        let sql = format!(
            "SELECT identity, pg_current_snapshot()::text FROM {} WHERE name = $1",
            self.names.logs()
        );
        let query = sqlx::query(AssertSqlSafe(sql).into_sql_str()).bind(&self.names.name);
        let Some(row) = query.persistent(false).fetch_optional(connection).await? else {
            return Ok(None);
        };
        let snapshot: String = row.try_get(1)?;
        Ok(Some((identity(&row)?, snapshot.into())))
    }

    async fn rows(
        &self,
        connection: &mut PgConnection,
        place: &Place,
        unseen: &Snapshot,
        until: Option<&str>,
        limit: i64,
    ) -> Result<Vec<PgRow>, Failure> {
        let query = sqlx::query(AssertSqlSafe(self.select.clone()).into_sql_str())
            .bind(&self.names.name)
            .bind(unseen.first_unseen())
            .bind(unseen.unseen())
            .bind(place.id)
            .bind(until)
            .bind(limit)
            .persistent(!self.engine.options.transaction_pooling);
        Ok(query.fetch_all(connection).await?)
    }

    async fn all_rows(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<(Vec<EncodedRow>, LogPosition)>, Failure> {
        // One snapshot for both statements.
        let is_open = self.engine.options.transaction_pooling;
        sqlx::raw_sql(if is_open {
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
        } else {
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        })
        .execute(&mut *connection)
        .await?;
        let read = self.in_snapshot(connection).await;
        if !is_open && !read.as_ref().is_err_and(Failure::is_lost) {
            sqlx::raw_sql("COMMIT").execute(connection).await?;
        }
        read
    }

    async fn in_snapshot(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<(Vec<EncodedRow>, LogPosition)>, Failure> {
        let Some((log, snapshot)) = self.look(connection).await? else { return Ok(None) };
        let sql = AssertSqlSafe(self.table.crud.select.clone());
        let rows = self.engine.query(sql, PgArguments::default()).fetch_all(connection).await?;
        let definition = &*self.table.definition;
        let rows = rows.iter().map(|row| decode::whole_row(definition, row));
        let rows: Result<Vec<_>, _> = rows.collect();
        let rows = rows.map_err(|error| self.decode_error(error))?;
        Ok(Some((rows, Place::behind(snapshot).position(log))))
    }
}

fn identity(row: &PgRow) -> Result<Uuid, sqlx::Error> {
    let value = decode::value(ColumnType::Uuid, row, 0);
    match value {
        Ok(Value::Uuid(identity)) => Ok(identity),
        _ => Err(sqlx::Error::Decode("a log has no identity".into())),
    }
}

impl ChangeLog for PostgresLog {
    fn definition(&self) -> &Arc<TableDef> {
        &self.table.definition
    }

    async fn now(&self) -> Result<LogPosition> {
        let looked = run!(self.engine.singles, read_again, |connection| self.look(connection));
        let (log, snapshot) = self.answer(looked)?.ok_or_else(|| self.missing())?;
        Ok(Place::behind(snapshot).position(log))
    }

    async fn snapshot(&self) -> Result<(Vec<EncodedRow>, LogPosition)> {
        let read = run!(self.engine.singles, read_again, |connection| self.all_rows(connection));
        self.answer(read)?.ok_or_else(|| self.missing())
    }

    async fn read(
        &self,
        after: LogPosition,
        until: Option<LogPosition>,
        limit: usize,
    ) -> Result<LogBatch> {
        prune_if_due(&self.engine, &self.table);
        let place = Place::of(&after);
        let seen: Snapshot = place.seen.parse()?;
        // Only a place behind everything is ever given to read up to.
        let until = until.map(|until| Place::of(&until).seen);
        let part = place.part.clone().or_else(|| until.clone());
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = run!(self.engine.singles, read_again, |connection| self.rows(
            connection,
            &place,
            &seen,
            part.as_deref(),
            most
        ));
        let rows = self.answer(rows)?;
        let head = rows.first().ok_or_else(|| self.missing())?;
        let text = |column: usize| -> Result<Option<String>> {
            head.try_get(column).map_err(|error| self.table_error(error))
        };
        let log = identity(head).map_err(|error| self.table_error(error))?;
        let (floor, now) = (text(1)?, text(2)?.unwrap_or_default());
        let is_pruned = match &floor {
            Some(floor) => !seen.includes(&floor.parse()?),
            None => false,
        };
        // A snapshot of the future is one of a server that was set back since.
        let is_of_now = now.parse::<Snapshot>()?.includes(&seen);
        if log != after.log || is_pruned || !is_of_now {
            let oldest = floor.unwrap_or_else(|| "3:3:".to_owned());
            let oldest = Place::behind(oldest).position(log);
            return Err(Error::lagged(ChangeCursor::oldest(&self.table.definition, oldest)));
        }
        let is_now = part.is_none();
        let part = part.unwrap_or_else(|| now.into());
        let place = Place { part: Some(Arc::clone(&part)), ..place };
        // Where there is no change, one row still tells the rest.
        let rows = rows
            .iter()
            .filter(|row| row.try_get_raw(3).is_ok_and(|id| !sqlx::ValueRef::is_null(&id)));
        let changes = rows.map(|row| self.change(row, log, &place)).collect::<Result<Vec<_>>>()?;
        if changes.len() >= limit
            && let Some(last) = changes.last()
        {
            let end = last.position.clone();
            return Ok(LogBatch { changes, end, is_last: false });
        }
        let is_last = until.map_or(is_now, |until| until == part);
        Ok(LogBatch { changes, end: Place::behind(part).position(log), is_last })
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.engine.signals.subscribe()
    }

    fn poll_interval(&self) -> Duration {
        match &self.listening {
            Some(listening) if listening.is_running() => POLL,
            _ => POLL_ALONE,
        }
    }
}

impl PostgresLog {
    fn table_error(&self, error: sqlx::Error) -> Error {
        error::of_table(error.into(), &self.table.definition)
    }
}
