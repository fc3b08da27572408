//! The backend that programs and stores hold.

use std::{fmt, sync::Arc};

use sqlx::PgPool;
use storehouse_runtime::{
    Backend, Capabilities, DynBackendTransaction, DynTabularStorage, Endpoint, EngineId,
    MigrationStep, PlannedSteps, RawStatement, Result, RowSink, TableDef,
};

use crate::{
    engine::Engine,
    error, migrate,
    options::PostgresOptions,
    pool::{never_again, run},
    raw,
    statistics::Statistics,
    storage::PostgresTabularStorage,
    transaction::PostgresTransaction,
};

/// The name in messages.
pub(crate) const NAME: &str = "postgres";

/// The schema of tables that say nothing of one.
pub(crate) const PUBLIC: &str = "public";

/// An opened PostgreSQL database. Cheap to clone; its connections close with the last clone,
/// storage and transaction.
///
/// Most programs get one from a URL. A program that sets options opens its own:
///
/// ```no_run
/// use std::sync::Arc;
/// use storehouse_postgres::{PostgresBackend, PostgresOptions};
/// use storehouse_runtime::Store;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse_runtime::Result<()> {
/// let options = PostgresOptions::from_url("postgres://localhost/shop")?.max_connections(20);
/// let backend = PostgresBackend::open(options).await?;
/// let store = Store::from_backend(Arc::new(backend));
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresBackend {
    pub(crate) engine: Arc<Engine>,
}

impl PostgresBackend {
    pub(crate) fn capabilities_of(engine: &Engine) -> Capabilities {
        let mut capabilities = Capabilities::NONE;
        capabilities.writable = true;
        capabilities.transactions = true;
        capabilities.savepoints = true;
        capabilities.row_locks = true;
        capabilities.persistent = true;
        capabilities.multi_process = true;
        capabilities.sql = true;
        capabilities.references = true;
        capabilities.migrations = true;
        capabilities.changes = engine.profile.has_snapshots();
        capabilities
    }

    /// Opens a database.
    ///
    /// Fails with `Error::Backend` when the server cannot be reached or refuses the user, and
    /// with `Error::Busy` when it takes no more connections. It has to be called, and the
    /// database used, on a tokio runtime with its timer and its input and output enabled.
    pub async fn open(options: PostgresOptions) -> Result<Self> {
        Ok(Self { engine: Arc::new(Engine::open(options).await?) })
    }

    /// Opens the database that a pool of sqlx is connected to, in the same way: its server, user,
    /// password and certificates.
    ///
    /// The connections are others than the pool's, and are counted by
    /// [`PostgresOptions::max_connections`]: a pool hands its connections out for one operation
    /// at a time, which costs more than the operation. What the pool does after it connects is
    /// not done.
    pub async fn from_pool(pool: &PgPool) -> Result<Self> {
        let connect = pool.connect_options();
        Self::open(PostgresOptions::new((*connect).clone())).await
    }

    /// What was done so far, to see how much shared a round trip.
    pub fn statistics(&self) -> Statistics {
        self.engine.counters.read()
    }
}

impl fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBackend").field("engine", &self.engine.id).finish_non_exhaustive()
    }
}

impl Backend for PostgresBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn engine(&self) -> EngineId {
        self.engine.id
    }

    fn capabilities(&self) -> Capabilities {
        Self::capabilities_of(&self.engine)
    }

    fn endpoint(&self) -> Endpoint {
        self.engine.options.endpoint(PUBLIC)
    }

    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        Ok(Arc::new(PostgresTabularStorage::new(self, definition)))
    }

    async fn fetch_raw(&self, statement: RawStatement, mut rows: RowSink) -> Result<RowSink> {
        let engine = &*self.engine;
        let fetched = run!(engine.singles, never_again, |connection| raw::fetch(
            engine, connection, &statement, &mut rows
        ));
        fetched.map_err(error::of_raw)?;
        Ok(rows)
    }

    async fn execute_raw(&self, statement: RawStatement) -> Result<u64> {
        let engine = &*self.engine;
        engine.id.check_may_wait()?;
        let executed = run!(engine.singles, never_again, |connection| raw::execute(
            engine, connection, &statement
        ));
        if engine.signals.is_used() {
            engine.signals.committed();
        }
        executed.map_err(error::of_raw)
    }

    async fn begin(&self) -> Result<Arc<dyn DynBackendTransaction>> {
        Ok(Arc::new(
            PostgresTransaction::begin_on(&self.engine, self.engine.options.isolation).await?,
        ))
    }

    async fn plan_migration(&self, tables: Vec<Arc<TableDef>>) -> Result<PlannedSteps> {
        migrate::plan(&self.engine, &tables).await
    }

    async fn apply_migration(
        &self,
        tables: Vec<Arc<TableDef>>,
        steps: Vec<MigrationStep>,
    ) -> Result<()> {
        migrate::apply(&self.engine, &tables, &steps).await
    }
}
