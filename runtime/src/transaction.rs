//! Transactions: several operations, of several tables, that happen together or not at all.
//!
//! A handle joins with `handle.in_tx(&tx)`; what it returns borrows the transaction, so nothing
//! can use it after its end. Events wait for the commit.

use std::{
    any::Any,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    backend::{BackendTransaction, DynBackendTransaction},
    engine::EngineId,
    error::{Error, Result},
    events::{EventHub, HubEvent},
    maybe_send::MaybeSend,
};

/// An open transaction, from `store.begin()` or in the body of `store.transaction(..)`.
///
/// Dropped without [`Transaction::commit`], it rolls back.
///
/// ```
/// use storehouse::prelude::*;
///
/// #[derive(Table, Clone, Debug, PartialEq)]
/// struct Account {
///     #[table(key)]
///     name: String,
///     balance: i64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("sqlite::memory:").await?;
/// let accounts = store.tabular::<Account>().await?;
/// accounts.setup_database().await?;
///
/// let tx = store.begin().await?;
/// accounts.in_tx(&tx).put(Account { name: "ann".into(), balance: 10 }).await?;
/// tx.commit().await?;
/// assert_eq!(accounts.get("ann").await?.map(|account| account.balance), Some(10));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Transaction {
    core: Arc<TransactionCore>,
}

/// What waits for the end of a transaction, such as an event with those whom it is told to.
#[cfg(not(target_family = "wasm"))]
type Pending = Box<dyn FnOnce() + Send>;
#[cfg(target_family = "wasm")]
type Pending = Box<dyn FnOnce()>;

/// What a transaction shares with the handles that joined it.
pub(crate) struct TransactionCore {
    pub(crate) backend: Arc<dyn DynBackendTransaction>,
    /// The same, with the layers of its store around what it does by itself.
    pub(crate) layered: Arc<dyn DynBackendTransaction>,
    pub(crate) engine: EngineId,
    backend_name: &'static str,
    pending: Mutex<Vec<Pending>>,
    /// What layers do once the transaction has ended, whichever way.
    endings: Mutex<Vec<Pending>>,
    in_savepoint: AtomicBool,
}

impl std::fmt::Debug for TransactionCore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransactionCore").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl TransactionCore {
    /// Keeps an event until the commit.
    pub(crate) fn defer<E: HubEvent>(&self, hub: Arc<EventHub<E>>, event: E) {
        self.pending().push(Box::new(move || hub.emit(&event)));
    }

    /// Does something once the transaction has ended, whichever way.
    pub(crate) fn at_end(&self, work: impl FnOnce() + MaybeSend + 'static) {
        self.endings().push(Box::new(work));
    }

    fn endings(&self) -> std::sync::MutexGuard<'_, Vec<Pending>> {
        self.endings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let endings = std::mem::take(&mut *self.endings());
        for work in endings {
            work();
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Vec<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TransactionCore {
    /// It was rolled back, or it is not known what became of it.
    fn drop(&mut self) {
        self.end();
    }
}

impl Transaction {
    pub(crate) fn new(
        backend: Arc<dyn DynBackendTransaction>,
        layered: Arc<dyn DynBackendTransaction>,
        engine: EngineId,
        backend_name: &'static str,
    ) -> Self {
        let core = TransactionCore {
            backend,
            layered,
            engine,
            backend_name,
            pending: Mutex::default(),
            endings: Mutex::default(),
            in_savepoint: AtomicBool::new(false),
        };
        Self { core: Arc::new(core) }
    }

    pub(crate) const fn core(&self) -> &Arc<TransactionCore> {
        &self.core
    }

    /// The backend's transaction, for what only this backend can do; `None` if it is not a `B`.
    pub fn backend_as<B: BackendTransaction>(&self) -> Option<&B> {
        (&*self.core.backend as &dyn Any).downcast_ref()
    }

    /// Makes everything done in the transaction lasting, then fires its events.
    ///
    /// After an error nothing of it was done.
    pub async fn commit(self) -> Result<()> {
        let committed = self.core.layered.commit().await;
        // Before the events, whose listeners may read what they are told of.
        self.core.end();
        committed.map_err(|error| self.at(error, "commit"))?;
        let events = std::mem::take(&mut *self.core.pending());
        for tell in events {
            tell();
        }
        Ok(())
    }

    /// Undoes everything done in the transaction. Dropping it does the same without waiting.
    pub async fn rollback(self) -> Result<()> {
        self.core.layered.rollback().await.map_err(|error| self.at(error, "rollback"))
    }

    /// Runs `body` as a part that is undone by itself when it fails, or is dropped.
    ///
    /// Fails with [`Error::Validation`] when another savepoint of the transaction is open beside
    /// this one; one within another is what `body` gets a transaction for.
    pub async fn savepoint<R>(&self, body: impl AsyncFnOnce(&Self) -> Result<R>) -> Result<R> {
        if self.core.in_savepoint.swap(true, Ordering::AcqRel) {
            return Err(Error::validation(
                "another savepoint of this transaction is open; \
                 use the transaction that its body was given, or wait for it to end",
            ));
        }
        let mut open = OpenSavepoint { outer: &self.core, marked: None };
        self.core.layered.savepoint().await.map_err(|error| self.at(error, "savepoint"))?;
        open.marked = Some(self.core.pending().len());
        let (backend, layered) = (&self.core.backend, &self.core.layered);
        let (engine, name) = (self.core.engine, self.core.backend_name);
        let inner = Self::new(Arc::clone(backend), Arc::clone(layered), engine, name);
        let result = body(&inner).await?;
        self.core.layered.release_savepoint().await.map_err(|error| self.at(error, "savepoint"))?;
        open.marked = None;
        let events = std::mem::take(&mut *inner.core.pending());
        self.core.pending().extend(events);
        let endings = std::mem::take(&mut *inner.core.endings());
        self.core.endings().extend(endings);
        Ok(result)
    }

    fn at(&self, error: Error, operation: &'static str) -> Error {
        error.at(self.core.backend_name, "", operation)
    }
}

/// Undoes a savepoint that did not come to its end: by an error, a panic or a dropped future.
struct OpenSavepoint<'a> {
    outer: &'a TransactionCore,
    /// How many events were waiting when the savepoint began.
    marked: Option<usize>,
}

impl Drop for OpenSavepoint<'_> {
    fn drop(&mut self) {
        if let Some(events) = self.marked {
            self.outer.layered.rollback_savepoint();
            self.outer.pending().truncate(events);
        }
        self.outer.in_savepoint.store(false, Ordering::Release);
    }
}
