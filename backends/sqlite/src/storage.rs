//! One table, outside or inside a transaction.

use std::{fmt, sync::Arc};

use storehouse_runtime::{
    Aggregation, Assignment, Capabilities, ChangeFeed, EncodedKey, EncodedRow, Error, FilterTree,
    Result, RowSink, Selection, Statement, TableDef, TabularStorage, WriteMode, sql::Command,
};
use storehouse_sql::Dialect;

use crate::{
    backend::{NAME, SqliteBackend},
    changes::{self, SqliteLog},
    ddl,
    engine::Engine,
    job::{Session, Weight},
    query::{Query, Question, Total},
    read,
    table::Table,
    transaction::Lease,
    write,
};

/// So many keys are read on the caller's own thread; more are worth waking another.
const FEW_KEYS: usize = 4;

/// One table of a SQLite database.
///
/// Handles use one through a store; it can also be made directly, to be wrapped in layers.
pub struct SqliteTabularStorage {
    table: Arc<Table>,
    scope: Scope,
}

/// Where operations run.
enum Scope {
    Anywhere(Arc<Engine>),
    Transaction(Arc<Lease>),
}

impl SqliteTabularStorage {
    /// The table that `definition` describes, in the database of `backend`.
    pub fn new(backend: &SqliteBackend, definition: &Arc<TableDef>) -> Self {
        let engine = &backend.engine;
        Self { table: engine.tables.get(definition), scope: Scope::Anywhere(Arc::clone(engine)) }
    }

    pub(crate) fn in_transaction(lease: &Arc<Lease>, definition: &Arc<TableDef>) -> Self {
        let table = lease.engine.tables.get(definition);
        Self { table, scope: Scope::Transaction(Arc::clone(lease)) }
    }

    fn engine(&self) -> &Engine {
        match &self.scope {
            Scope::Anywhere(engine) => engine,
            Scope::Transaction(lease) => &lease.engine,
        }
    }

    async fn run_read<R, F>(&self, length: Length, read: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>, &Table) -> Result<R> + Send + 'static,
    {
        let table = Arc::clone(&self.table);
        let read = move |session: &Session<'_>| read(session, &table);
        match (&self.scope, length) {
            (Scope::Anywhere(engine), Length::Short) => engine.read_inline(read).await,
            (Scope::Anywhere(engine), Length::Long) => engine.read(read).await,
            (Scope::Transaction(lease), _) => lease.run(Weight::OneStatement, read).await,
        }
    }

    async fn run_query(&self, question: Question, rows: RowSink) -> Result<RowSink> {
        let query = Query::new(&self.table, question, rows);
        match &self.scope {
            Scope::Anywhere(engine) => engine.query(query).await,
            Scope::Transaction(lease) => {
                lease.run(Weight::OneStatement, move |session| query.run(session)).await
            }
        }
    }

    async fn run_write<R, F>(&self, length: Length, weight: Weight, write: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>, &Table) -> Result<R> + Send + 'static,
    {
        if self.table.definition.changes {
            changes::prune_if_due(self.engine(), &self.table);
        }
        let table = Arc::clone(&self.table);
        let write = move |session: &Session<'_>| write(session, &table);
        match (&self.scope, length) {
            (Scope::Anywhere(engine), Length::Short) => engine.write_inline(weight, write).await,
            (Scope::Anywhere(engine), Length::Long) => engine.write(weight, write).await,
            (Scope::Transaction(lease), _) => lease.run(weight, write).await,
        }
    }
}

/// Whether an operation may run on its caller's own thread.
#[derive(Clone, Copy)]
enum Length {
    /// It takes some microseconds, less than to wake another thread.
    Short,
    /// It may take any time.
    Long,
}

impl Length {
    const fn short_if(is_short: bool) -> Self {
        if is_short { Self::Short } else { Self::Long }
    }
}

impl fmt::Debug for SqliteTabularStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTabularStorage")
            .field("table", &self.table)
            .field("in_transaction", &matches!(self.scope, Scope::Transaction(_)))
            .finish()
    }
}

impl TabularStorage for SqliteTabularStorage {
    fn definition(&self) -> &Arc<TableDef> {
        &self.table.definition
    }

    fn backend(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        SqliteBackend::capabilities_of(self.engine())
    }

    async fn setup_database(&self) -> Result<()> {
        let set_up = |session: &Session<'_>, table: &Table| ddl::set_up(session.connection, table);
        self.run_write(Length::Long, Weight::Several, set_up).await
    }

    async fn get(&self, key: EncodedKey, rows: RowSink) -> Result<RowSink> {
        self.run_read(Length::Short, move |session, table| {
            read::get(session.connection, table, &key, rows)
        })
        .await
    }

    async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        let length = Length::short_if(keys.len() <= FEW_KEYS);
        self.run_read(length, move |session, table| {
            read::get_many(session.connection, table, &keys, rows)
        })
        .await
    }

    async fn select(&self, selection: Selection, rows: RowSink) -> Result<RowSink> {
        self.run_query(Question::Select(selection), rows).await
    }

    async fn aggregate(&self, aggregation: Aggregation, rows: RowSink) -> Result<RowSink> {
        self.run_query(Question::Aggregate(aggregation), rows).await
    }

    async fn count(&self, filter: FilterTree) -> Result<u64> {
        Total::take(self.run_query(Question::Count(filter), Total::sink()).await?)
    }

    async fn write(
        &self,
        rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> Result<Vec<Option<EncodedRow>>> {
        let length = Length::short_if(write::is_short(&rows));
        let weight = write::weight(&self.table, &rows);
        self.run_write(length, weight, move |session, table| {
            write::write(session, table, rows, mode)
        })
        .await
    }

    async fn upsert(
        &self,
        row: EncodedRow,
        unique: Vec<usize>,
        assignments: Vec<Assignment>,
    ) -> Result<EncodedRow> {
        let length = Length::short_if(write::are_small(&row.0));
        self.run_write(length, Weight::Several, move |session, table| {
            write::upsert(session, table, row, &unique, &assignments)
        })
        .await
    }

    async fn update(
        &self,
        key: EncodedKey,
        condition: FilterTree,
        assignments: Vec<Assignment>,
    ) -> Result<Option<EncodedRow>> {
        let values = assignments.iter().map(|assignment| &assignment.value);
        let length = Length::short_if(write::are_small(values));
        // One statement, but the row that comes back may not be readable, and then all is undone.
        self.run_write(length, Weight::Several, move |session, table| {
            write::update(session, table, &key, &condition, &assignments)
        })
        .await
    }

    async fn update_where(&self, filter: FilterTree, assignments: Vec<Assignment>) -> Result<u64> {
        self.run_write(Length::Long, Weight::OneStatement, move |session, table| {
            write::update_where(session, table, &filter, &assignments)
        })
        .await
    }

    async fn delete(&self, key: EncodedKey, condition: FilterTree) -> Result<bool> {
        self.run_write(Length::Short, Weight::OneStatement, move |session, table| {
            write::delete(session, table, &key, &condition)
        })
        .await
    }

    async fn delete_search(&self, filter: FilterTree) -> Result<u64> {
        let weight = if write::loses_rows_with_rows(&self.table) {
            Weight::Several
        } else {
            Weight::OneStatement
        };
        self.run_write(Length::Long, weight, move |session, table| {
            write::delete_search(session, table, &filter)
        })
        .await
    }

    async fn delete_all(&self) -> Result<()> {
        self.run_write(Length::Long, Weight::OneStatement, write::delete_all).await
    }

    fn to_sql(&self, selection: &Selection) -> Result<Statement> {
        Ok(Command::Select(selection).statement(Dialect::Sqlite, &self.table.definition))
    }

    fn aggregate_to_sql(&self, aggregation: &Aggregation) -> Result<Statement> {
        Ok(Command::Aggregate(aggregation).statement(Dialect::Sqlite, &self.table.definition))
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        match &self.scope {
            Scope::Anywhere(engine) => {
                Ok(self.table.feed.get_or(|| SqliteLog::new(engine, &self.table)))
            }
            Scope::Transaction(_) => Err(Error::validation(
                "changes are followed outside of transactions; use a handle from the store",
            )),
        }
    }

    async fn remove_change_log(&self) -> Result<()> {
        self.run_write(Length::Long, Weight::Several, |session, table| {
            changes::ddl::remove(session.connection, table)
        })
        .await
    }

    async fn explain(&self, selection: Selection) -> Result<String> {
        self.run_read(Length::Long, move |session, table| read::explain(session, table, &selection))
            .await
    }
}
