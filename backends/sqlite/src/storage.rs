//! One table, outside or inside a transaction.

use std::{fmt, sync::Arc};

use storehouse_runtime::{
    Assignment, Capabilities, EncodedKey, EncodedRow, FilterTree, Result, RowSink, Selection,
    Statement, TableDef, TabularStorage, WriteMode, sql::Command,
};
use storehouse_sql::Dialect;

use crate::{
    backend::{NAME, SqliteBackend},
    ddl,
    engine::Engine,
    job::{Session, Weight},
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

    /// Runs a read that takes a few microseconds.
    async fn read_inline<R, F>(&self, read: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>, &Table) -> Result<R> + Send + 'static,
    {
        let table = Arc::clone(&self.table);
        match &self.scope {
            Scope::Anywhere(engine) => {
                engine.read_inline(move |session| read(session, &table)).await
            }
            Scope::Transaction(lease) => {
                lease.run(Weight::OneStatement, move |session| read(session, &table)).await
            }
        }
    }

    async fn read<R, F>(&self, read: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>, &Table) -> Result<R> + Send + 'static,
    {
        let table = Arc::clone(&self.table);
        match &self.scope {
            Scope::Anywhere(engine) => engine.read(move |session| read(session, &table)).await,
            Scope::Transaction(lease) => {
                lease.run(Weight::OneStatement, move |session| read(session, &table)).await
            }
        }
    }

    /// Runs a write that takes some microseconds.
    async fn run_inline<R, F>(&self, weight: Weight, work: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>, &Table) -> Result<R> + Send + 'static,
    {
        let table = Arc::clone(&self.table);
        match &self.scope {
            Scope::Anywhere(engine) => {
                engine.write_inline(weight, move |session| work(session, &table)).await
            }
            Scope::Transaction(lease) => {
                lease.run(weight, move |session| work(session, &table)).await
            }
        }
    }

    async fn run<R, F>(&self, weight: Weight, work: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>, &Table) -> Result<R> + Send + 'static,
    {
        let table = Arc::clone(&self.table);
        match &self.scope {
            Scope::Anywhere(engine) => {
                engine.write(weight, move |session| work(session, &table)).await
            }
            Scope::Transaction(lease) => {
                lease.run(weight, move |session| work(session, &table)).await
            }
        }
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
        self.run(Weight::Several, |session, table| ddl::set_up(session.connection, table)).await
    }

    async fn get(&self, key: EncodedKey, rows: RowSink) -> Result<RowSink> {
        self.read_inline(move |session, table| read::get(session.connection, table, &key, rows))
            .await
    }

    async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        let is_short = keys.len() <= FEW_KEYS;
        let get = move |session: &Session<'_>, table: &Table| {
            read::get_many(session.connection, table, &keys, rows)
        };
        if is_short { self.read_inline(get).await } else { self.read(get).await }
    }

    async fn select(&self, selection: Selection, rows: RowSink) -> Result<RowSink> {
        self.read(move |session, table| read::select(session, table, &selection, rows)).await
    }

    async fn count(&self, filter: FilterTree) -> Result<u64> {
        self.read(move |session, table| read::count(session, table, &filter)).await
    }

    async fn write(
        &self,
        rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> Result<Vec<Option<EncodedRow>>> {
        let weight = write::weight(&self.table, &rows);
        let is_short = write::is_short(&rows);
        let write =
            move |session: &Session<'_>, table: &Table| write::write(session, table, rows, mode);
        if is_short { self.run_inline(weight, write).await } else { self.run(weight, write).await }
    }

    async fn update(
        &self,
        key: EncodedKey,
        assignments: Vec<Assignment>,
    ) -> Result<Option<EncodedRow>> {
        // One statement, but the row that comes back may not be readable, and then all is undone.
        self.run_inline(Weight::Several, move |session, table| {
            write::update(session, table, &key, &assignments)
        })
        .await
    }

    async fn delete(&self, key: EncodedKey) -> Result<bool> {
        self.run_inline(Weight::OneStatement, move |session, table| {
            write::delete(session, table, &key)
        })
        .await
    }

    async fn delete_search(&self, filter: FilterTree) -> Result<u64> {
        self.run(Weight::OneStatement, move |session, table| {
            write::delete_search(session, table, &filter)
        })
        .await
    }

    async fn delete_all(&self) -> Result<()> {
        self.run(Weight::OneStatement, write::delete_all).await
    }

    fn to_sql(&self, selection: &Selection) -> Result<Statement> {
        Ok(Command::Select(selection).statement(Dialect::Sqlite, &self.table.definition))
    }

    async fn explain(&self, selection: Selection) -> Result<String> {
        self.read(move |session, table| read::explain(session, table, &selection)).await
    }
}
