//! The backend that programs and stores hold.

use std::{fmt, sync::Arc};

use sqlx::PgPool;
use storehouse_runtime::{
    Backend, Capabilities, DynBackendTransaction, DynTabularStorage, EngineId, Result, TableDef,
};

use crate::{
    engine::Engine, options::PostgresOptions, statistics::Statistics,
    storage::PostgresTabularStorage, transaction::PostgresTransaction,
};

/// The name in messages.
pub(crate) const NAME: &str = "postgres";

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
    pub(crate) const CAPABILITIES: Capabilities = {
        let mut capabilities = Capabilities::NONE;
        capabilities.writable = true;
        capabilities.transactions = true;
        capabilities.savepoints = true;
        capabilities.row_locks = true;
        capabilities.persistent = true;
        capabilities.multi_process = true;
        capabilities.sql = true;
        capabilities
    };

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
        Self::CAPABILITIES
    }

    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        Ok(Arc::new(PostgresTabularStorage::new(self, definition)))
    }

    async fn begin(&self) -> Result<Arc<dyn DynBackendTransaction>> {
        Ok(Arc::new(
            PostgresTransaction::begin_on(&self.engine, self.engine.options.isolation).await?,
        ))
    }
}
