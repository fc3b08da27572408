//! The backend that programs and stores hold.

use std::{fmt, sync::Arc};

use rusqlite::Connection;
use storehouse_runtime::{
    Backend, Capabilities, DynBackendTransaction, DynTabularStorage, EngineId, MigrationStep,
    PlannedSteps, RawStatement, Result, RowSink, TableDef,
};

use crate::{
    engine::Engine,
    job::{Session, Weight},
    migrate,
    options::SqliteOptions,
    raw,
    storage::SqliteTabularStorage,
    transaction::SqliteTransaction,
};

/// The name in messages, and the scheme of its URLs.
pub(crate) const NAME: &str = "sqlite";

/// An opened SQLite database. Cheap to clone; it closes when the last clone, storage and
/// transaction is dropped, which waits for what is being written.
///
/// Most programs get one from a URL. A program that opens its own gives it to
/// `Store::from_backend`:
///
/// ```
/// use std::sync::Arc;
/// use storehouse_runtime::Store;
/// use storehouse_sqlite::{SqliteBackend, SqliteOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse_runtime::Result<()> {
/// let backend = SqliteBackend::open(SqliteOptions::in_memory()).await?;
/// let store = Store::from_backend(Arc::new(backend));
/// assert!(store.capabilities().transactions);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteBackend {
    pub(crate) engine: Arc<Engine>,
}

impl SqliteBackend {
    /// Opens a database.
    ///
    /// A file is put into WAL mode, and stays in it. Fails with `Error::Backend` when the file
    /// cannot be opened, and with `Error::Busy` when another process keeps it for itself.
    pub async fn open(options: SqliteOptions) -> Result<Self> {
        Ok(Self { engine: Arc::new(Engine::open(options).await?) })
    }

    /// Takes over a connection that was opened and set up by hand.
    ///
    /// Everything runs on this one connection, one thing at a time. None of its pragmas is
    /// changed but `foreign_keys`, which is switched on, since references are enforced: journal
    /// mode, `synchronous` and the busy timeout stay as they are. What is added is the `rarray`
    /// table-valued function, which `in_list` filters use, the functions `storehouse_sum` and
    /// `storehouse_avg`, which aggregates use, and room for prepared statements; and a name in
    /// double quotes is always a name, never text (SQLite's
    /// `SQLITE_DBCONFIG_DQS_DML` and `_DDL` are off). Fails with `Error::Validation` when a transaction is open on it.
    ///
    /// ```
    /// use storehouse_sqlite::SqliteBackend;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let connection = rusqlite::Connection::open_in_memory()?;
    /// let backend = SqliteBackend::from_connection(connection)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_connection(connection: Connection) -> Result<Self> {
        Ok(Self { engine: Arc::new(Engine::from_connection(connection)?) })
    }

    pub(crate) fn capabilities_of(engine: &Engine) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.writable = true;
        capabilities.transactions = true;
        capabilities.savepoints = true;
        capabilities.row_locks = true;
        capabilities.persistent = engine.is_file;
        capabilities.multi_process = engine.is_file;
        capabilities.sql = true;
        capabilities.references = true;
        capabilities.migrations = true;
        capabilities.changes = true;
        capabilities
    }
}

impl fmt::Debug for SqliteBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBackend").field("engine", &self.engine.id).finish_non_exhaustive()
    }
}

impl Backend for SqliteBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn engine(&self) -> EngineId {
        self.engine.id
    }

    fn capabilities(&self) -> Capabilities {
        Self::capabilities_of(&self.engine)
    }

    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        Ok(Arc::new(SqliteTabularStorage::new(self, definition)))
    }

    async fn fetch_raw(&self, statement: RawStatement, rows: RowSink) -> Result<RowSink> {
        raw::fetch_anywhere(&self.engine, statement, rows).await
    }

    async fn execute_raw(&self, statement: RawStatement) -> Result<u64> {
        let execute = move |session: &Session<'_>| raw::execute(session, &statement);
        self.engine.write(Weight::OneStatement, execute).await
    }

    async fn begin(&self) -> Result<Arc<dyn DynBackendTransaction>> {
        Ok(Arc::new(SqliteTransaction::begin(&self.engine).await?))
    }

    async fn plan_migration(&self, tables: Vec<Arc<TableDef>>) -> Result<PlannedSteps> {
        self.engine.read(move |session| migrate::plan(session.connection, &tables)).await
    }

    async fn apply_migration(
        &self,
        tables: Vec<Arc<TableDef>>,
        steps: Vec<MigrationStep>,
    ) -> Result<()> {
        let apply =
            move |session: &Session<'_>| migrate::apply(session.connection, &tables, &steps);
        self.engine.alone(apply).await
    }
}
