//! What a backend's crate provides: an opened database, its transactions, and the connector
//! that opens one from a URL.

use std::{any::Any, future::Future, sync::Arc};

use crate::{
    capabilities::Capabilities,
    definition::TableDef,
    engine::EngineId,
    error::{Error, Result},
    maybe_send::{BoxFuture, MaybeSend, MaybeSync},
    storage::{DynTabularStorage, object_safe},
};

/// An opened database.
pub trait Backend: MaybeSend + MaybeSync + 'static {
    /// The backend's name, such as `sqlite`.
    fn name(&self) -> &'static str;

    /// Tells this database from others of the process.
    fn engine(&self) -> EngineId;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The storage of one table.
    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>>;

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
}

/// An open transaction of a backend. Dropped without a commit, it rolls back.
pub trait BackendTransaction: MaybeSend + MaybeSync + 'static {
    /// The storage of one table inside the transaction.
    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>>;

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
}

object_safe! {
    /// [`Backend`] as an object. Every `Backend` is one.
    DynBackend for Backend: Any {
        fn name(&self) -> &'static str;
        fn engine(&self) -> EngineId;
        fn capabilities(&self) -> Capabilities;
        fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>>;
        async fn begin(&self) -> Result<Arc<dyn DynBackendTransaction>>;
    }
}

object_safe! {
    /// [`BackendTransaction`] as an object. Every `BackendTransaction` is one.
    DynBackendTransaction for BackendTransaction: Any {
        fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>>;
        fn rollback_savepoint(&self) -> ();
        async fn commit(&self) -> Result<()>;
        async fn rollback(&self) -> Result<()>;
        async fn savepoint(&self) -> Result<()>;
        async fn release_savepoint(&self) -> Result<()>;
    }
}

/// Opens databases from URLs.
pub trait Connector: MaybeSend + MaybeSync + 'static {
    /// The schemes that this connector opens: what stands before the first colon of a URL.
    fn schemes(&self) -> &'static [&'static str];

    /// Opens the database that `url` names.
    fn open<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Arc<dyn DynBackend>>>;
}
