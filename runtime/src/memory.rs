//! The memory backend: for tests, for small data, and as the model that others are held to.
//!
//! Each table is a set of persistent ordered maps, one for the key and one for each index. A
//! reader takes a snapshot, which is a few reference counts, and holds no lock while it works. A
//! transaction works on snapshots of its own and puts them in place when it commits; other
//! writers wait for it, readers do not.

mod batch;
mod changes;
mod database;
mod image;
mod index;
mod kv;
mod links;
mod named;
#[cfg(any(target_family = "wasm", test))]
mod peers;
mod plan;
mod read;
mod scan;
mod storage;
mod table;
mod transaction;

use std::sync::Arc;

use self::database::Database;
pub use self::{
    image::{RowDifference, TableImage},
    kv::InMemoryKvStorage,
    storage::InMemoryTabularStorage,
    transaction::InMemoryTransaction,
};
use crate::{
    backend::{Backend, Connector, DynBackend, DynBackendTransaction},
    capabilities::Capabilities,
    changes::ChangeRetention,
    definition::TableDef,
    engine::EngineId,
    error::{Error, Result},
    kv::{DynKvStorage, KvDef},
    maybe_send::BoxFuture,
    migration::{MigrationStep, MigrationStepKind, PlannedSteps},
    storage::DynTabularStorage,
};

const NAME: &str = "memory";

const CAPABILITIES: Capabilities = Capabilities {
    writable: true,
    transactions: true,
    savepoints: true,
    row_locks: true,
    persistent: false,
    multi_process: false,
    sql: false,
    references: true,
    migrations: true,
    changes: true,
};

/// A database in memory. Cheap to clone; clones share the tables.
///
/// ```
/// use std::sync::Arc;
/// use storehouse_runtime::{Store, memory::InMemoryBackend};
///
/// let store = Store::from_backend(Arc::new(InMemoryBackend::new()));
/// assert_eq!(store.backend(), "memory");
/// ```
#[derive(Clone, Debug, Default)]
pub struct InMemoryBackend {
    database: Arc<Database>,
}

impl InMemoryBackend {
    /// An empty database.
    pub fn new() -> Self {
        Self::default()
    }

    /// The database of that name, the same one for all of this process who ask for it. It is empty
    /// for the first, and gone when the last store, handle and transaction of it is.
    ///
    /// In a browser all tabs, frames and workers of the origin share it. What they have is there after
    /// the first write or `setup_database()`; [`StoreBuilder::open`](crate::StoreBuilder::open) waits for it.
    ///
    /// Fails with [`Error::Validation`] unless the name consists of 1 to 128 ASCII letters, digits,
    /// `_`, `-` and `.`.
    ///
    /// ```
    /// use storehouse_runtime::{Backend, memory::InMemoryBackend};
    ///
    /// let one = InMemoryBackend::named("sessions")?;
    /// assert_eq!(InMemoryBackend::named("sessions")?.engine(), one.engine());
    /// assert_ne!(InMemoryBackend::named("visits")?.engine(), one.engine());
    /// # Ok::<_, storehouse_runtime::Error>(())
    /// ```
    pub fn named(name: &str) -> Result<Self> {
        Ok(Self { database: named::database(name)? })
    }

    /// How much of a table's changes is kept, of tables that are set up from now on; a day, and no
    /// more than 10,000 changes, unless set.
    #[must_use]
    pub fn change_retention(self, retention: ChangeRetention) -> Self {
        self.database.keep_changes(retention);
        self
    }
}

impl Backend for InMemoryBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn engine(&self) -> EngineId {
        self.database.engine
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        Ok(Arc::new(InMemoryTabularStorage::open(&self.database, definition)?))
    }

    fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>> {
        Ok(Arc::new(InMemoryKvStorage::open(&self.database, definition)?))
    }

    async fn begin(&self) -> Result<Arc<dyn DynBackendTransaction>> {
        Ok(Arc::new(InMemoryTransaction::begin(&self.database).await?))
    }

    /// A database in memory begins empty, so tables can be missing and never differ.
    async fn plan_migration(&self, tables: Vec<Arc<TableDef>>) -> Result<PlannedSteps> {
        let mut planned = PlannedSteps::default();
        for definition in tables {
            let table = self.database.table(&definition)?;
            if table.is_set_up() {
                if definition.changes && !table.log.is_on() {
                    let kind = MigrationStepKind::LogChanges;
                    let step = MigrationStep::new(definition.full_name(), kind);
                    planned.steps.push(step.difference("its changes are not logged"));
                }
            } else {
                let step =
                    MigrationStep::new(definition.full_name(), MigrationStepKind::CreateTable);
                planned.steps.push(step.difference("it is missing"));
            }
        }
        Ok(planned)
    }

    async fn apply_migration(
        &self,
        tables: Vec<Arc<TableDef>>,
        _steps: Vec<MigrationStep>,
    ) -> Result<()> {
        let opened = tables.iter().map(|definition| self.database.table(definition));
        let opened = opened.collect::<Result<Vec<_>>>()?;
        let _permit = self.database.permit_set_up().await?;
        let mut pairs = opened.iter().zip(&tables);
        pairs.try_for_each(|(table, definition)| self.database.set_up(table, definition.changes))
    }
}

/// Opens `memory:`, a new empty database each time, and `memory://name`, which is one for all of the
/// process who open that name, and in a browser for all tabs.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryConnector;

impl Connector for MemoryConnector {
    fn schemes(&self) -> &'static [&'static str] {
        &["memory"]
    }

    fn open<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Arc<dyn DynBackend>>> {
        Box::pin(async move {
            let backend = match url {
                "memory" | "memory:" | "memory://" => InMemoryBackend::new(),
                _ => match url.strip_prefix("memory://") {
                    Some(name) => {
                        let backend = InMemoryBackend::named(name)?;
                        // With what other tabs have, also for who reads only.
                        #[cfg(target_family = "wasm")]
                        backend.database.join().await?;
                        backend
                    }
                    None => {
                        return Err(Error::validation(format!(
                            "`{url}` is no memory database; write `memory:` for one of your own, or \
                             `memory://name` for one that all of the process share"
                        )));
                    }
                },
            };
            Ok(Arc::new(backend) as Arc<dyn DynBackend>)
        })
    }
}
