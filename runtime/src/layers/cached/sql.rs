//! SQL of the program's own, and migrations, after which nothing is known any more.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{SharedCaches, writing::Writing};
use crate::{
    backend::{DynBackend, DynBackendTransaction},
    capabilities::Capabilities,
    definition::TableDef,
    endpoint::Endpoint,
    engine::EngineId,
    error::Result,
    kv::{DynKvStorage, KvDef},
    maybe_send::{BoxFuture, MaybeSend},
    migration::{MigrationStep, PlannedSteps},
    raw_sql::RawStatement,
    storage::{DynTabularStorage, RowSink},
};

pub(super) struct WatchedBackend {
    inner: Arc<dyn DynBackend>,
    shared: Arc<SharedCaches>,
}

impl WatchedBackend {
    pub(super) fn new(inner: Arc<dyn DynBackend>, shared: Arc<SharedCaches>) -> Self {
        Self { inner, shared }
    }

    /// Runs something after which everything is forgotten.
    fn unknown<R: MaybeSend + 'static>(
        &self,
        work: impl Future<Output = R> + MaybeSend + 'static,
    ) -> BoxFuture<'_, R> {
        let (shared, engine) = (Arc::clone(&self.shared), self.inner.engine());
        Box::pin(Writing::new(work, move |_| shared.clear_engine(engine)))
    }
}

impl DynBackend for WatchedBackend {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn engine(&self) -> EngineId {
        self.inner.engine()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn endpoint(&self) -> Endpoint {
        self.inner.endpoint()
    }

    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        self.inner.tabular(definition)
    }

    fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>> {
        self.inner.kv(definition)
    }

    fn begin(&self) -> BoxFuture<'_, Result<Arc<dyn DynBackendTransaction>>> {
        self.inner.begin()
    }

    fn fetch_raw(&self, statement: RawStatement, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        if only_reads(&statement) {
            return self.inner.fetch_raw(statement, rows);
        }
        let inner = Arc::clone(&self.inner);
        self.unknown(async move { inner.fetch_raw(statement, rows).await })
    }

    fn execute_raw(&self, statement: RawStatement) -> BoxFuture<'_, Result<u64>> {
        let inner = Arc::clone(&self.inner);
        self.unknown(async move { inner.execute_raw(statement).await })
    }

    fn plan_migration(&self, tables: Vec<Arc<TableDef>>) -> BoxFuture<'_, Result<PlannedSteps>> {
        self.inner.plan_migration(tables)
    }

    fn apply_migration(
        &self,
        tables: Vec<Arc<TableDef>>,
        steps: Vec<MigrationStep>,
    ) -> BoxFuture<'_, Result<()>> {
        let inner = Arc::clone(&self.inner);
        self.unknown(async move { inner.apply_migration(tables, steps).await })
    }
}

/// Whether a statement that gives rows is a query. One that calls a function which writes is not
/// recognised.
fn only_reads(statement: &RawStatement) -> bool {
    let sql = statement.sql.trim_start();
    sql.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
}

pub(super) struct WatchedTransaction {
    inner: Arc<dyn DynBackendTransaction>,
    engine: EngineId,
    shared: Arc<SharedCaches>,
    ran_sql: AtomicBool,
}

impl WatchedTransaction {
    pub(super) fn new(
        inner: Arc<dyn DynBackendTransaction>,
        engine: EngineId,
        shared: Arc<SharedCaches>,
    ) -> Self {
        Self { inner, engine, shared, ran_sql: AtomicBool::new(false) }
    }

    /// Forgets everything, where SQL of the program's own ran.
    fn forget(&self) {
        if self.ran_sql.swap(false, Ordering::Relaxed) {
            self.shared.clear_engine(self.engine);
        }
    }
}

impl Drop for WatchedTransaction {
    /// Also where it is not known what became of the commit.
    fn drop(&mut self) {
        self.forget();
    }
}

impl DynBackendTransaction for WatchedTransaction {
    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        self.inner.tabular(definition)
    }

    fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>> {
        self.inner.kv(definition)
    }

    fn rollback_savepoint(&self) {
        self.inner.rollback_savepoint();
    }

    fn commit(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let committed = self.inner.commit().await;
            self.forget();
            committed
        })
    }

    fn rollback(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.rollback()
    }

    fn savepoint(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.savepoint()
    }

    fn release_savepoint(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.release_savepoint()
    }

    fn fetch_raw(&self, statement: RawStatement, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        if !only_reads(&statement) {
            self.ran_sql.store(true, Ordering::Relaxed);
        }
        self.inner.fetch_raw(statement, rows)
    }

    fn execute_raw(&self, statement: RawStatement) -> BoxFuture<'_, Result<u64>> {
        self.ran_sql.store(true, Ordering::Relaxed);
        self.inner.execute_raw(statement)
    }
}
