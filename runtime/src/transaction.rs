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

/// An event that waits for the commit, with those whom it is told to.
#[cfg(not(target_family = "wasm"))]
type Pending = Box<dyn FnOnce() + Send>;
#[cfg(target_family = "wasm")]
type Pending = Box<dyn FnOnce()>;

/// What a transaction shares with the handles that joined it.
pub(crate) struct TransactionCore {
    pub(crate) backend: Arc<dyn DynBackendTransaction>,
    pub(crate) engine: EngineId,
    backend_name: &'static str,
    pending: Mutex<Vec<Pending>>,
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

    fn pending(&self) -> std::sync::MutexGuard<'_, Vec<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transaction {
    pub(crate) fn new(
        backend: Arc<dyn DynBackendTransaction>,
        engine: EngineId,
        backend_name: &'static str,
    ) -> Self {
        let core = TransactionCore {
            backend,
            engine,
            backend_name,
            pending: Mutex::default(),
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
        self.core.backend.commit().await.map_err(|error| self.at(error, "commit"))?;
        let events = std::mem::take(&mut *self.core.pending());
        for tell in events {
            tell();
        }
        Ok(())
    }

    /// Undoes everything done in the transaction. Dropping it does the same without waiting.
    pub async fn rollback(self) -> Result<()> {
        self.core.backend.rollback().await.map_err(|error| self.at(error, "rollback"))
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
        self.core.backend.savepoint().await.map_err(|error| self.at(error, "savepoint"))?;
        open.marked = Some(self.core.pending().len());
        let inner =
            Self::new(Arc::clone(&self.core.backend), self.core.engine, self.core.backend_name);
        let result = body(&inner).await?;
        self.core.backend.release_savepoint().await.map_err(|error| self.at(error, "savepoint"))?;
        open.marked = None;
        let events = std::mem::take(&mut *inner.core.pending());
        self.core.pending().extend(events);
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
            self.outer.backend.rollback_savepoint();
            self.outer.pending().truncate(events);
        }
        self.outer.in_savepoint.store(false, Ordering::Release);
    }
}
