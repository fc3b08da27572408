//! One table, outside or inside a transaction.

use std::{fmt, sync::Arc};

use storehouse_runtime::{
    AggregateTerm, Aggregation, Assignment, Capabilities, ChangeFeed, ColumnType, EncodedKey,
    EncodedRow, Endpoint, Error, FilterTree, Result, RowSink, Selection, Statement, TableDef,
    TabularStorage, WriteMode, sql::Command,
};
use storehouse_sql::Dialect;

use crate::{
    backend::{NAME, PUBLIC, PostgresBackend},
    changes::{self, PostgresLog},
    coalesce, ddl,
    deferred::{self, Deletion},
    engine::Engine,
    error,
    pool::{read_again, rows_again, run, set_up_again, write_again},
    put::Stale,
    read,
    table::Table,
    transaction::{Access, Session, run_in},
    write,
};

/// One table of a PostgreSQL database.
///
/// Handles use one through a store; it can also be made directly, to be wrapped in layers.
pub struct PostgresTabularStorage {
    table: Arc<Table>,
    scope: Scope,
}

/// Where operations run.
enum Scope {
    Anywhere(Arc<Engine>),
    Transaction(Arc<Session>),
}

impl PostgresTabularStorage {
    /// The table that `definition` describes, in the database of `backend`.
    pub fn new(backend: &PostgresBackend, definition: &Arc<TableDef>) -> Self {
        let engine = &backend.engine;
        if definition.changes {
            engine.signals.set_used();
        }
        Self { table: engine.tables.get(definition), scope: Scope::Anywhere(Arc::clone(engine)) }
    }

    pub(crate) fn in_transaction(session: &Arc<Session>, definition: &Arc<TableDef>) -> Self {
        let table = session.engine.tables.get(definition);
        Self { table, scope: Scope::Transaction(Arc::clone(session)) }
    }

    fn engine(&self) -> &Arc<Engine> {
        match &self.scope {
            Scope::Anywhere(engine) => engine,
            Scope::Transaction(session) => &session.engine,
        }
    }

    const fn is_in_transaction(&self) -> bool {
        matches!(self.scope, Scope::Transaction(_))
    }
}

/// Runs `$work`, which only reads, wherever the storage does.
macro_rules! read {
    ($storage:expr, |$connection:ident| $work:expr) => {
        read!($storage, Access::Read, |$connection| $work)
    };
    ($storage:expr, $access:expr, |$connection:ident| $work:expr) => {
        match &$storage.scope {
            Scope::Anywhere(engine) => {
                $storage.table.answer(run!(engine.singles, read_again, |$connection| $work))
            }
            Scope::Transaction(session) => {
                run_in!(session, &$storage.table, $access, |$connection| $work)
            }
        }
    };
}

/// Runs `$work`, which writes, wherever the storage does. Outside a transaction it is one by
/// itself.
macro_rules! write {
    ($storage:expr, |$connection:ident| $work:expr) => {
        write!($storage, write_again, |$connection| $work)
    };
    ($storage:expr, $again:expr, |$connection:ident| $work:expr) => {
        match &$storage.scope {
            Scope::Anywhere(engine) => {
                engine.id.check_may_wait()?;
                let written = run!(engine.singles, $again, |$connection| $work);
                $storage.has_written();
                $storage.table.answer(written)
            }
            Scope::Transaction(session) => {
                $storage.has_written();
                run_in!(session, &$storage.table, Access::Write, |$connection| $work)
            }
        }
    };
}

impl PostgresTabularStorage {
    /// Lets those who follow the table know, at once or when the transaction commits.
    fn has_written(&self) {
        if !self.table.definition.changes {
            return;
        }
        match &self.scope {
            Scope::Anywhere(engine) => {
                engine.signals.committed();
                changes::prune_if_due(engine, &self.table);
            }
            Scope::Transaction(session) => session.note_changes(),
        }
    }

    /// Deletes what was refused once more, with a look at the foreign keys at the end alone.
    async fn delete_deferred(&self, deletion: Deletion<'_>) -> Result<u64> {
        let (engine, table) = (self.engine(), &*self.table);
        let in_transaction = self.is_in_transaction() || engine.options.transaction_pooling;
        write!(self, |connection| deferred::delete(
            engine,
            table,
            connection,
            deletion,
            in_transaction
        ))
    }
}

impl fmt::Debug for PostgresTabularStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTabularStorage")
            .field("table", &self.table)
            .field("in_transaction", &self.is_in_transaction())
            .finish_non_exhaustive()
    }
}

impl TabularStorage for PostgresTabularStorage {
    fn definition(&self) -> &Arc<TableDef> {
        &self.table.definition
    }

    fn backend(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        PostgresBackend::capabilities_of(self.engine())
    }

    fn endpoint(&self) -> Endpoint {
        let schema = self.table.definition.schema.as_deref();
        self.engine().options.endpoint(schema.unwrap_or(PUBLIC))
    }

    async fn setup_database(&self) -> Result<()> {
        let (engine, table) = (self.engine(), &*self.table);
        match &self.scope {
            Scope::Anywhere(_) => {
                engine.id.check_may_wait()?;
                let in_transaction = engine.options.transaction_pooling;
                let set_up = run!(engine.singles, set_up_again, |connection| ddl::set_up(
                    engine,
                    table,
                    connection,
                    in_transaction
                ));
                table.answer(set_up)
            }
            Scope::Transaction(session) => {
                run_in!(session, table, Access::Write, |connection| ddl::set_up(
                    engine, table, connection, true
                ))
            }
        }
    }

    async fn get(&self, key: EncodedKey, mut rows: RowSink) -> Result<RowSink> {
        match &self.scope {
            Scope::Anywhere(engine) => coalesce::read(engine, &self.table, vec![key], rows).await,
            Scope::Transaction(session) => {
                let (engine, table) = (&*session.engine, &*self.table);
                run_in!(session, table, Access::Read, |connection| read::get(
                    engine, table, connection, &key, &mut rows
                ))?;
                Ok(rows)
            }
        }
    }

    async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        match &self.scope {
            Scope::Anywhere(engine) => coalesce::read(engine, &self.table, keys, rows).await,
            Scope::Transaction(session) => {
                coalesce::read_in(session, &self.table, &keys, rows).await
            }
        }
    }

    async fn select(&self, selection: Selection, mut rows: RowSink) -> Result<RowSink> {
        let (engine, table) = (self.engine(), &*self.table);
        let mut position = 0;
        read!(self, |connection| read::select(
            engine,
            table,
            connection,
            Command::Select(&selection),
            &mut rows,
            &mut position
        ))?;
        Ok(rows)
    }

    async fn aggregate(&self, aggregation: Aggregation, mut rows: RowSink) -> Result<RowSink> {
        let (engine, table) = (self.engine(), &*self.table);
        let mut position = 0;
        let sums_decimals = aggregation.aggregates.iter().any(|term| {
            matches!(term, AggregateTerm::Sum(column)
                if self.table.definition.columns[*column].column_type == ColumnType::Decimal)
        });
        // A sum that does not fit would end a transaction, like a write that fails.
        let may_fail = aggregation
            .aggregates
            .iter()
            .any(|term| matches!(term, AggregateTerm::Sum(_) | AggregateTerm::Average(_)));
        let access = if may_fail { Access::Write } else { Access::Read };
        read!(self, access, |connection| async {
            let command = Command::Aggregate(&aggregation);
            read::select(engine, table, connection, command, &mut rows, &mut position)
                .await
                .map_err(|failure| error::of_sum(failure, sums_decimals))
        })?;
        Ok(rows)
    }

    async fn count(&self, filter: FilterTree) -> Result<u64> {
        let (engine, table) = (self.engine(), &*self.table);
        read!(self, |connection| read::count(engine, table, connection, &filter))
    }

    async fn write(
        &self,
        mut rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> Result<Vec<Option<EncodedRow>>> {
        let (engine, table) = (self.engine(), &*self.table);
        if !self.is_in_transaction()
            && mode != WriteMode::InsertIfAbsent
            && rows.len() == 1
            && let Some(row) = rows.pop()
        {
            engine.id.check_may_wait()?;
            if self.table.definition.changes {
                changes::prune_if_due(engine, &self.table);
            }
            return Ok(vec![Some(coalesce::write(engine, &self.table, row, mode).await?)]);
        }
        let in_transaction = self.is_in_transaction() || engine.options.transaction_pooling;
        let stored = write!(self, rows_again(mode), |connection| write::write(
            engine,
            table,
            connection,
            &mut rows,
            mode,
            in_transaction,
            Stale::FailsAll
        ))?;
        Ok(write::answers(rows, stored).collect())
    }

    async fn upsert(
        &self,
        row: EncodedRow,
        unique: Vec<usize>,
        assignments: Vec<Assignment>,
    ) -> Result<EncodedRow> {
        let (engine, table) = (self.engine(), &*self.table);
        let in_transaction = self.is_in_transaction() || engine.options.transaction_pooling;
        let command = Command::Upsert { row: &row, unique: &unique, assignments: &assignments };
        write!(self, |connection| write::upsert(
            engine,
            table,
            connection,
            &row,
            command,
            in_transaction
        ))
    }

    async fn update(
        &self,
        key: EncodedKey,
        condition: FilterTree,
        assignments: Vec<Assignment>,
    ) -> Result<Option<EncodedRow>> {
        let (engine, table) = (self.engine(), &*self.table);
        let command =
            Command::Update { key: &key, condition: &condition, assignments: &assignments };
        write!(self, |connection| write::returning(engine, table, connection, command))
    }

    async fn update_where(&self, filter: FilterTree, assignments: Vec<Assignment>) -> Result<u64> {
        let (engine, table) = (self.engine(), &*self.table);
        let command = Command::UpdateWhere { filter: &filter, assignments: &assignments };
        write!(self, |connection| write::execute(engine, table, connection, command))
    }

    async fn delete(&self, key: EncodedKey, condition: FilterTree) -> Result<bool> {
        let (engine, table) = (self.engine(), &*self.table);
        if !condition.is_all() {
            let command = Command::DeleteOne { key: &key, condition: &condition };
            let deleted =
                write!(self, |connection| write::execute(engine, table, connection, command));
            if !deferred::may_hold_later(engine, &deleted) {
                return Ok(deleted? > 0);
            }
            let filter = table.definition.key_filter(key.clone()).and(condition.clone());
            return Ok(self.delete_deferred(Deletion::Search(&filter)).await? > 0);
        }
        let deleted = write!(self, |connection| write::delete(engine, table, connection, &key));
        if !deferred::may_hold_later(engine, &deleted) {
            return deleted;
        }
        Ok(self.delete_deferred(Deletion::Key(&key)).await? > 0)
    }

    async fn delete_search(&self, filter: FilterTree) -> Result<u64> {
        let (engine, table) = (self.engine(), &*self.table);
        let command = Command::Delete(&filter);
        let deleted = write!(self, |connection| write::execute(engine, table, connection, command));
        if !deferred::may_hold_later(engine, &deleted) {
            return deleted;
        }
        self.delete_deferred(Deletion::Search(&filter)).await
    }

    async fn delete_all(&self) -> Result<()> {
        let (engine, table) = (self.engine(), &*self.table);
        let deleted = write!(self, |connection| write::delete_all(table, connection));
        if !deferred::may_hold_later(engine, &deleted) {
            return deleted;
        }
        self.delete_deferred(Deletion::All).await.map(drop)
    }

    fn to_sql(&self, selection: &Selection) -> Result<Statement> {
        Ok(Command::Select(selection).statement(Dialect::Postgres, &self.table.definition))
    }

    fn aggregate_to_sql(&self, aggregation: &Aggregation) -> Result<Statement> {
        Ok(Command::Aggregate(aggregation).statement(Dialect::Postgres, &self.table.definition))
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        match &self.scope {
            Scope::Anywhere(engine) if engine.profile.has_snapshots() => {
                Ok(self.table.feed.get_or(|| PostgresLog::new(engine, &self.table)))
            }
            Scope::Anywhere(_) => Err(Error::unsupported(
                "changes",
                NAME,
                "the server is not PostgreSQL itself; use `events()` for what is done through \
                 this handle",
            )),
            Scope::Transaction(_) => Err(Error::validation(
                "changes are followed outside of transactions; use a handle from the store",
            )),
        }
    }

    async fn remove_change_log(&self) -> Result<()> {
        let table = &*self.table;
        let in_transaction = self.is_in_transaction() || self.engine().options.transaction_pooling;
        write!(self, |connection| ddl::remove_change_log(table, connection, in_transaction))
    }

    async fn explain(&self, selection: Selection) -> Result<String> {
        let table = &*self.table;
        read!(self, |connection| read::explain(table, connection, &selection))
    }
}
