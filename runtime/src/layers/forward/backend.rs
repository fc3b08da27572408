//! What stores and transactions do by themselves, through an interceptor.

use std::sync::Arc;

use super::intercepted;
use crate::{
    backend::{DynBackend, DynBackendTransaction},
    capabilities::Capabilities,
    definition::TableDef,
    endpoint::Endpoint,
    engine::EngineId,
    error::Result,
    kv::{DynKvStorage, KvDef},
    layers::{
        call::{Operation, Place},
        intercept::{Intercept, calling, reading},
    },
    maybe_send::BoxFuture,
    migration::{MigrationStep, PlannedSteps},
    raw_sql::RawStatement,
    storage::{DynTabularStorage, RowSink},
};

pub(super) struct InterceptedBackend<I> {
    interceptor: I,
    inner: Arc<dyn DynBackend>,
    place: Place,
}

impl<I> InterceptedBackend<I> {
    pub(super) fn new(interceptor: I, inner: Arc<dyn DynBackend>) -> Self {
        let place = Place {
            target: String::new(),
            backend: inner.name(),
            endpoint: inner.endpoint(),
            in_transaction: false,
            engine: Some(inner.engine()),
        };
        Self { interceptor, inner, place }
    }
}

intercepted! {
    DynBackend for InterceptedBackend {
        fn capabilities(&self) -> Capabilities {
            self.interceptor.capabilities(self.inner.capabilities())
        }
    }
    forward {
        fn name(&self) -> &'static str;
        fn engine(&self) -> EngineId;
        fn endpoint(&self) -> Endpoint;
        fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>>;
        fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>>;
    }
    calls {
        async fn begin(&self) -> Result<Arc<dyn DynBackendTransaction>>
            = Operation::transaction("begin").repeatable(true);
        async fn execute_raw(&self, statement: RawStatement) -> Result<u64> = Operation::sql("execute");
        async fn plan_migration(&self, tables: Vec<Arc<TableDef>>) -> Result<PlannedSteps>
            = Operation::read("plan_migration");
        async fn apply_migration(&self, tables: Vec<Arc<TableDef>>, steps: Vec<MigrationStep>) -> Result<()>
            = Operation::set_up("apply_migration");
    }
    rows {
        async fn fetch_raw(&self, statement: RawStatement) = Operation::sql("fetch");
    }
}

pub(super) struct InterceptedTransaction<I> {
    interceptor: I,
    inner: Arc<dyn DynBackendTransaction>,
    place: Place,
}

impl<I> InterceptedTransaction<I> {
    pub(super) fn new(
        interceptor: I,
        inner: Arc<dyn DynBackendTransaction>,
        backend: &dyn DynBackend,
    ) -> Self {
        let place = Place {
            target: String::new(),
            backend: backend.name(),
            endpoint: backend.endpoint(),
            in_transaction: true,
            engine: Some(backend.engine()),
        };
        Self { interceptor, inner, place }
    }
}

intercepted! {
    DynBackendTransaction for InterceptedTransaction {}
    forward {
        fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>>;
        fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>>;
        fn rollback_savepoint(&self) -> ();
    }
    calls {
        async fn commit(&self) -> Result<()> = Operation::transaction("commit");
        async fn rollback(&self) -> Result<()> = Operation::transaction("rollback");
        async fn savepoint(&self) -> Result<()> = Operation::transaction("savepoint");
        async fn release_savepoint(&self) -> Result<()> = Operation::transaction("release_savepoint");
        async fn execute_raw(&self, statement: RawStatement) -> Result<u64> = Operation::sql("execute");
    }
    rows {
        async fn fetch_raw(&self, statement: RawStatement) = Operation::sql("fetch");
    }
}
