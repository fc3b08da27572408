//! What a backend's crate provides: an opened database, its transactions, and the connector
//! that opens one from a URL.

use std::{any::Any, future::Future, sync::Arc};

use crate::{
    capabilities::Capabilities,
    definition::TableDef,
    endpoint::Endpoint,
    engine::EngineId,
    error::{Error, Result},
    kv::{DynKvStorage, KvDef, KvViaTabular},
    maybe_send::{BoxFuture, MaybeSend, MaybeSync},
    migration::{MigrationStep, PlannedSteps},
    raw_sql::RawStatement,
    storage::{DynTabularStorage, RowSink, object_safe},
};

/// An opened database.
pub trait Backend: MaybeSend + MaybeSync + 'static {
    /// The backend's name, such as `sqlite`.
    fn name(&self) -> &'static str;

    /// Tells this database from others of the process.
    fn engine(&self) -> EngineId;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Where it is, for what watches over it.
    fn endpoint(&self) -> Endpoint {
        Endpoint::of(self.name())
    }

    /// The storage of one table.
    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>>;

    /// A key-value store. One in a table, unless the backend has a form of its own for them.
    fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>> {
        let table = self.tabular(definition.table())?;
        Ok(Arc::new(KvViaTabular::new(Arc::clone(definition), table)))
    }

    /// Begins a transaction.
    fn begin(&self) -> impl Future<Output = Result<Arc<dyn DynBackendTransaction>>> + MaybeSend {
        let name = self.name();
        async move {
            Err(Error::unsupported(
                "begin",
                name,
                "use `put_bulk`, which is atomic, or a backend with transactions",
            ))
        }
    }

    /// Runs SQL of the program's own and hands its rows to `rows`: first the names of the
    /// columns, with [`RowReceiver::begin`](crate::RowReceiver::begin), then each row. Only called
    /// where the `sql` capability is there.
    fn fetch_raw(
        &self,
        statement: RawStatement,
        rows: RowSink,
    ) -> impl Future<Output = Result<RowSink>> + MaybeSend {
        let _ = (statement, rows);
        async { Err(no_raw_sql()) }
    }

    /// Runs SQL of the program's own and gives the number of rows that it changed. Only called
    /// where the `sql` capability is there.
    fn execute_raw(
        &self,
        statement: RawStatement,
    ) -> impl Future<Output = Result<u64>> + MaybeSend {
        let _ = statement;
        async { Err(no_raw_sql()) }
    }
    /// Compares the database with the definitions, and says step by step what has to be done.
    /// Nothing is changed.
    ///
    /// For backends with [`Capabilities::migrations`].
    fn plan_migration(
        &self,
        tables: Vec<Arc<TableDef>>,
    ) -> impl Future<Output = Result<PlannedSteps>> + MaybeSend {
        let _ = tables;
        let name = self.name();
        async move { Err(no_migrations("plan_migration", name)) }
    }

    /// Does the steps that were planned, all or none, where they still are what has to be done.
    ///
    /// It keeps others out, plans again, and does nothing when nothing is left to do. Otherwise it
    /// refuses steps that [cannot be done](crate::migration::check_steps) and those that
    /// [are others](crate::migration::check_same) than `steps`.
    fn apply_migration(
        &self,
        tables: Vec<Arc<TableDef>>,
        steps: Vec<MigrationStep>,
    ) -> impl Future<Output = Result<()>> + MaybeSend {
        let _ = (tables, steps);
        let name = self.name();
        async move { Err(no_migrations("apply_migration", name)) }
    }
}

fn no_migrations(operation: &'static str, backend: &'static str) -> Error {
    Error::unsupported(
        operation,
        backend,
        "use `setup_database()`, which creates tables that are missing",
    )
}

/// An open transaction of a backend. Dropped without a commit, it rolls back.
pub trait BackendTransaction: MaybeSend + MaybeSync + 'static {
    /// The storage of one table inside the transaction.
    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>>;

    /// A key-value store inside the transaction. One in a table, unless the backend has a form of
    /// its own for them.
    fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>> {
        let table = self.tabular(definition.table())?;
        Ok(Arc::new(KvViaTabular::new(Arc::clone(definition), table)))
    }

    /// Makes everything done so far lasting.
    fn commit(&self) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Undoes everything done so far.
    fn rollback(&self) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Marks the point that the next `rollback_savepoint` goes back to.
    fn savepoint(&self) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Forgets the last mark and keeps what was done since.
    fn release_savepoint(&self) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Forgets the last mark and undoes what was done since; whatever comes next waits for it,
    /// so it cannot be interrupted by a dropped future.
    fn rollback_savepoint(&self);

    /// Runs SQL of the program's own inside the transaction and hands its rows to `rows`: first the names of the
    /// columns, with [`RowReceiver::begin`](crate::RowReceiver::begin), then each row. Only called
    /// where the `sql` capability is there.
    fn fetch_raw(
        &self,
        statement: RawStatement,
        rows: RowSink,
    ) -> impl Future<Output = Result<RowSink>> + MaybeSend {
        let _ = (statement, rows);
        async { Err(no_raw_sql()) }
    }

    /// Runs SQL of the program's own inside the transaction and gives the number of rows that it changed. Only called
    /// where the `sql` capability is there.
    fn execute_raw(
        &self,
        statement: RawStatement,
    ) -> impl Future<Output = Result<u64>> + MaybeSend {
        let _ = statement;
        async { Err(no_raw_sql()) }
    }
}

fn no_raw_sql() -> Error {
    Error::backend("the backend says that it speaks SQL, but takes none; this is a bug in it", None)
}

object_safe! {
    /// [`Backend`] as an object. Every `Backend` is one.
    DynBackend for Backend: Any {
        fn name(&self) -> &'static str;
        fn engine(&self) -> EngineId;
        fn capabilities(&self) -> Capabilities;
        fn endpoint(&self) -> Endpoint;
        fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>>;
        fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>>;
        async fn begin(&self) -> Result<Arc<dyn DynBackendTransaction>>;
        async fn fetch_raw(&self, statement: RawStatement, rows: RowSink) -> Result<RowSink>;
        async fn execute_raw(&self, statement: RawStatement) -> Result<u64>;
        async fn plan_migration(&self, tables: Vec<Arc<TableDef>>) -> Result<PlannedSteps>;
        async fn apply_migration(&self, tables: Vec<Arc<TableDef>>, steps: Vec<MigrationStep>) -> Result<()>;
    }
}

object_safe! {
    /// [`BackendTransaction`] as an object. Every `BackendTransaction` is one.
    DynBackendTransaction for BackendTransaction: Any {
        fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>>;
        fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>>;
        fn rollback_savepoint(&self) -> ();
        async fn commit(&self) -> Result<()>;
        async fn rollback(&self) -> Result<()>;
        async fn savepoint(&self) -> Result<()>;
        async fn release_savepoint(&self) -> Result<()>;
        async fn fetch_raw(&self, statement: RawStatement, rows: RowSink) -> Result<RowSink>;
        async fn execute_raw(&self, statement: RawStatement) -> Result<u64>;
    }
}

/// Opens databases from URLs.
pub trait Connector: MaybeSend + MaybeSync + 'static {
    /// The schemes that this connector opens: what stands before the first colon of a URL.
    fn schemes(&self) -> &'static [&'static str];

    /// Opens the database that `url` names.
    fn open<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Arc<dyn DynBackend>>>;
}
