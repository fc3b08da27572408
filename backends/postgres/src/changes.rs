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
    ddl::{Begin, Names},
    signal::Listening,
    snapshot::{Moment, Place},
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
    /// For each [`Begin`].
    select: [String; 3],
    names: Names,
}

impl PostgresLog {
    pub(crate) fn new(engine: &Arc<Engine>, table: &Arc<Table>) -> Self {
        let names = Names::nearby(&table.definition);
        Self {
            listening: engine.signals.listen(),
            select: [Begin::Part, Begin::Restarted, Begin::Within]
                .map(|begin| ddl::select(&names, &table.definition, begin)),
            names,
            engine: Arc::clone(engine),
            table: Arc::clone(table),
        }
    }

    fn missing(&self) -> Error {
        Error::no_change_log(&self.table.definition.full_name())
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
            (head(ColumnType::I64, 4)?, head(ColumnType::I16, 5)?, head(ColumnType::DateTime, 6)?)
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
                    .map_err(|error| error.at(position))
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

    /// Which log it is, and what is visible now.
    async fn look(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<(Uuid, Arc<str>)>, Failure> {
        let sql =
            format!("SELECT identity, {} FROM {} WHERE name = $1", ddl::NOW, self.names.logs());
        let query = sqlx::query(AssertSqlSafe(sql).into_sql_str()).bind(&self.names.name);
        let Some(row) = query.persistent(false).fetch_optional(connection).await? else {
            return Ok(None);
        };
        let now: String = row.try_get(1)?;
        Ok(Some((identity(&row)?, now.into())))
    }

    async fn rows(
        &self,
        connection: &mut PgConnection,
        begin: Begin,
        place: &Place,
        seen: &Moment,
        until: Option<&str>,
        limit: i64,
    ) -> Result<Vec<PgRow>, Failure> {
        let sql = self.select[begin as usize].clone();
        let query = sqlx::query(AssertSqlSafe(sql).into_sql_str())
            .bind(&self.names.name)
            .bind(until)
            .bind(limit);
        let query = match begin {
            Begin::Part => query.bind(seen.snapshot.first_unseen()).bind(seen.snapshot.unseen()),
            Begin::Restarted | Begin::Within => {
                query.bind(seen.snapshot.to_string()).bind(seen.start).bind(place.id)
            }
        };
        let query = query.persistent(!self.engine.options.transaction_pooling);
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
        let Some((log, now)) = self.look(connection).await? else { return Ok(None) };
        let sql = AssertSqlSafe(self.table.crud.select.clone());
        let rows = self.engine.query(sql, PgArguments::default()).fetch_all(connection).await?;
        let definition = &*self.table.definition;
        let rows = rows.iter().map(|row| decode::whole_row(definition, row));
        let rows: Result<Vec<_>, _> = rows.collect();
        let rows = rows.map_err(|error| self.decode_error(error))?;
        Ok(Some((rows, Place::behind(now).position(log))))
    }
}

/// What every row of an answer begins with: which log it is, what was pruned, and what is visible
/// now.
struct Head {
    log: Uuid,
    floor: Option<Moment>,
    now: Moment,
    /// The highest number that was pruned.
    pruned: i64,
}

impl Head {
    /// Whether something was pruned that comes after a place.
    fn is_pruned_after(&self, place: &Place, seen: &Moment) -> Result<bool> {
        let Some(floor) = &self.floor else { return Ok(false) };
        let is_past = match &place.part {
            // Who is within a part has seen what has lower numbers.
            Some(part) if self.pruned <= place.id => part.parse::<Moment>()?.includes(floor),
            _ => false,
        };
        Ok(!is_past && !seen.includes(floor))
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
        let (log, now) = self.answer(looked)?.ok_or_else(|| self.missing())?;
        Ok(Place::behind(now).position(log))
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
        let seen: Moment = place.seen.parse()?;
        // Only a place behind everything is ever given to read up to.
        let until = until.map(|until| Place::of(&until).seen);
        let part = place.part.clone().or_else(|| until.clone());
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let select = async |begin: Begin| {
            let rows = run!(self.engine.singles, read_again, |connection| self.rows(
                connection,
                begin,
                &place,
                &seen,
                part.as_deref(),
                most
            ));
            self.answer(rows)
        };
        let mut rows = select(if place.id == 0 { Begin::Part } else { Begin::Within }).await?;
        let mut head = self.head(&rows)?;
        if place.id == 0 && head.now.start != seen.start {
            rows = select(Begin::Restarted).await?;
            head = self.head(&rows)?;
        }
        let is_pruned = head.is_pruned_after(&place, &seen)?;
        let Head { log, floor, now, .. } = head;
        // A snapshot of the future is one of a server that was set back without a restart, or one
        // that lags behind another.
        let is_of_future = seen.start == now.start && !now.includes(&seen);
        if log != after.log || is_pruned || is_of_future {
            let oldest = floor.map_or_else(|| "0@3:3:".to_owned(), |floor| floor.to_string());
            let oldest = Place::behind(oldest).position(log);
            return Err(Error::lagged(ChangeCursor::oldest(&self.table.definition, oldest)));
        }
        let is_now = part.is_none();
        let part = part.unwrap_or_else(|| now.to_string().into());
        let place = Place { part: Some(Arc::clone(&part)), ..place };
        // Where there is no change, one row still tells the rest.
        let rows = rows
            .iter()
            .filter(|row| row.try_get_raw(4).is_ok_and(|id| !sqlx::ValueRef::is_null(&id)));
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
    fn head(&self, rows: &[PgRow]) -> Result<Head> {
        let row = rows.first().ok_or_else(|| self.missing())?;
        let read = || -> Result<(Uuid, Option<String>, String, i64), sqlx::Error> {
            Ok((identity(row)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?))
        };
        let (log, floor, now, pruned) = read().map_err(|error| self.table_error(error))?;
        let floor = floor.as_deref().map(str::parse).transpose()?;
        Ok(Head { log, floor, now: now.parse()?, pruned })
    }

    fn table_error(&self, error: sqlx::Error) -> Error {
        error::of_table(error.into(), &self.table.definition)
    }
}
