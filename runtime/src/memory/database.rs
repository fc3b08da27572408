//! The tables of one database in memory, and the gate that lets transactions exclude writers.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{
    future::{Either, select},
    pin_mut,
};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::{changes, links, table::Table};
use crate::{
    changes::ChangeRetention,
    definition::TableDef,
    engine::EngineId,
    error::{Error, Result},
};

/// How long a writer waits for a transaction to end.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Database {
    pub(super) engine: EngineId,
    tables: Mutex<BTreeMap<String, Arc<Table>>>,
    /// How much tables that are set up from now on keep of their changes.
    retention: Mutex<ChangeRetention>,
    /// Ordinary writers share it, a transaction has it alone.
    gate: Arc<RwLock<()>>,
}

/// Lets an ordinary write happen while no transaction is open.
pub(super) type WritePermit = OwnedRwLockReadGuard<()>;
/// Keeps every other writer out.
pub(super) type TransactionPermit = OwnedRwLockWriteGuard<()>;

impl Default for Database {
    fn default() -> Self {
        Self {
            engine: EngineId::new(),
            tables: Mutex::default(),
            retention: Mutex::new(changes::RETENTION),
            gate: Arc::default(),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Database {
    /// The table of that definition, shared by all who ask for its name.
    ///
    /// Fails with [`Error::Schema`] when the name is taken by a table with other columns.
    pub(super) fn table(&self, definition: &Arc<TableDef>) -> Result<Arc<Table>> {
        let name = definition.full_name().into_owned();
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let table =
            tables.entry(name).or_insert_with(|| Arc::new(Table::new(Arc::clone(definition))));
        table.check_same(definition)?;
        Ok(Arc::clone(table))
    }

    /// Makes the table ready to be used. Fails with [`Error::Schema`] when one that it refers to is
    /// not.
    pub(super) fn set_up(&self, table: &Arc<Table>, logs_changes: bool) -> Result<()> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        links::set_up(table, |name| tables.get(name).cloned())?;
        if logs_changes {
            let retention = *self.retention.lock().unwrap_or_else(PoisonError::into_inner);
            let _state = table.lock();
            table.log.switch_on(retention);
        }
        Ok(())
    }

    pub(super) fn keep_changes(&self, retention: ChangeRetention) {
        *self.retention.lock().unwrap_or_else(PoisonError::into_inner) = retention;
    }

    /// Waits until no transaction is open.
    pub(super) async fn permit_write(&self) -> Result<WritePermit> {
        match Arc::clone(&self.gate).try_read_owned() {
            Ok(permit) => Ok(permit),
            Err(_) => self.wait(Arc::clone(&self.gate).read_owned()).await,
        }
    }

    /// Waits until no other transaction is open, and keeps other writers out.
    pub(super) async fn permit_transaction(&self) -> Result<TransactionPermit> {
        match Arc::clone(&self.gate).try_write_owned() {
            Ok(permit) => Ok(permit),
            Err(_) => self.wait(Arc::clone(&self.gate).write_owned()).await,
        }
    }

    async fn wait<P>(&self, permit: impl Future<Output = P>) -> Result<P> {
        self.engine.check_may_wait()?;
        let patience = futures_timer::Delay::new(PATIENCE);
        pin_mut!(permit);
        match select(permit, patience).await {
            Either::Left((permit, _)) => Ok(permit),
            Either::Right(_) => Err(Error::busy(format!(
                "another transaction has been open for {} seconds; commit or drop it, \
                 and if it is this task's own, use the handle inside it, `handle.in_tx(&tx)`",
                PATIENCE.as_secs()
            ))),
        }
    }
}
