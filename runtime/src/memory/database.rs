//! The tables of one database in memory, and the gate that lets transactions exclude writers.

#[cfg(any(target_family = "wasm", test))]
mod shared;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    future::{Either, select},
    pin_mut,
};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

#[cfg(any(target_family = "wasm", test))]
use super::peers::{Peers, Session};
use super::{changes, kv::KvTable, links, table::Table};
use crate::{
    changes::ChangeRetention,
    definition::TableDef,
    engine::EngineId,
    error::{Error, Result},
    kv::KvDef,
};

/// How long a writer waits for a transaction to end.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Database {
    pub(super) engine: EngineId,
    tables: Mutex<BTreeMap<String, Arc<Table>>>,
    kv_tables: Mutex<BTreeMap<String, Arc<KvTable>>>,
    /// How much tables that are set up from now on keep of their changes.
    retention: Mutex<ChangeRetention>,
    /// Ordinary writers share it, a transaction has it alone.
    gate: Arc<RwLock<()>>,
    /// Brings it together with the databases of this name in other tabs of a browser.
    #[cfg(any(target_family = "wasm", test))]
    peers: Option<Arc<Peers>>,
}

/// Lets an ordinary write happen while no transaction is open.
pub(super) type WritePermit = Permit<OwnedRwLockReadGuard<()>>;
/// Keeps every other writer out.
pub(super) type TransactionPermit = Permit<OwnedRwLockWriteGuard<()>>;

/// Whoever has it may write.
pub(super) struct Permit<G> {
    /// Ends before the gate opens, when other tabs are told what was written.
    #[cfg(any(target_family = "wasm", test))]
    _session: Option<Session>,
    _gate: G,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            engine: EngineId::new(),
            tables: Mutex::default(),
            kv_tables: Mutex::default(),
            retention: Mutex::new(changes::RETENTION),
            gate: Arc::default(),
            #[cfg(any(target_family = "wasm", test))]
            peers: None,
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("engine", &self.engine).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Database {
    /// The table of that definition, shared by all who ask for its name.
    ///
    /// Fails with [`Error::Schema`] when the name is taken by a table with other columns.
    pub(super) fn table(&self, definition: &Arc<TableDef>) -> Result<Arc<Table>> {
        let name = definition.full_name().into_owned();
        let mut tables = lock(&self.tables);
        if lock(&self.kv_tables).contains_key(&name) {
            return Err(Error::schema(format!(
                "`{name}` is a key-value store; open it with `kv()`, or give the table another name"
            )));
        }
        let table =
            tables.entry(name).or_insert_with(|| Arc::new(Table::new(Arc::clone(definition))));
        table.check_same(definition)?;
        Ok(Arc::clone(table))
    }

    /// The key-value store of that definition, shared by all who ask for its name.
    ///
    /// Fails with [`Error::Schema`] when the name is taken by a store with other types, or a table.
    pub(super) fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<KvTable>> {
        let name = definition.name().to_owned();
        // In the order in which `table` takes them.
        let tables = lock(&self.tables);
        if tables.contains_key(&name) {
            return Err(Error::schema(format!(
                "`{name}` is a table; give the key-value store another name"
            )));
        }
        let mut kv_tables = lock(&self.kv_tables);
        let table =
            kv_tables.entry(name).or_insert_with(|| Arc::new(KvTable::new(Arc::clone(definition))));
        table.check_same(definition)?;
        Ok(Arc::clone(table))
    }

    /// Makes the key-value store ready to be used.
    ///
    /// Fails with [`Error::Schema`] when another store, or a table, has its name by now.
    pub(super) fn set_up_kv(&self, table: &Arc<KvTable>, logs_changes: bool) -> Result<()> {
        let name = table.definition.name();
        if let Some(current) = lock(&self.kv_tables).get(name)
            && !Arc::ptr_eq(current, table)
        {
            current.check_same(&table.definition)?;
            return Err(replaced(name));
        }
        if lock(&self.tables).contains_key(name) {
            return Err(replaced(name));
        }
        let retention = *lock(&self.retention);
        let mut state = table.lock();
        state.make_ready();
        if logs_changes {
            table.log.switch_on(retention);
        }
        Ok(())
    }

    /// Makes the table ready to be used. Fails with [`Error::Schema`] when one that it refers to is
    /// not, or when another table, or a key-value store, has its name by now.
    pub(super) fn set_up(&self, table: &Arc<Table>, logs_changes: bool) -> Result<()> {
        let tables = lock(&self.tables);
        let name = table.definition.full_name();
        if let Some(current) = tables.get(&*name)
            && !Arc::ptr_eq(current, table)
        {
            current.check_same(&table.definition)?;
            return Err(replaced(&name));
        }
        if lock(&self.kv_tables).contains_key(&*name) {
            return Err(replaced(&name));
        }
        links::set_up(table, |name| tables.get(name).cloned())?;
        if logs_changes {
            let retention = *lock(&self.retention);
            let _state = table.lock();
            table.log.switch_on(retention);
        }
        Ok(())
    }

    pub(super) fn keep_changes(&self, retention: ChangeRetention) {
        *lock(&self.retention) = retention;
    }

    /// Waits until no transaction is open.
    pub(super) async fn permit_write(&self) -> Result<WritePermit> {
        let gate = match Arc::clone(&self.gate).try_read_owned() {
            Ok(gate) => gate,
            Err(_) => self.wait(Arc::clone(&self.gate).read_owned()).await?,
        };
        self.permit(gate).await
    }

    /// Waits until no other transaction is open, and keeps other writers out.
    pub(super) async fn permit_transaction(&self) -> Result<TransactionPermit> {
        let gate = match Arc::clone(&self.gate).try_write_owned() {
            Ok(gate) => gate,
            Err(_) => self.wait(Arc::clone(&self.gate).write_owned()).await?,
        };
        self.permit(gate).await
    }

    /// Waits until tables can be set up, which in one process needs no waiting.
    pub(super) async fn permit_set_up(&self) -> Result<Permit<()>> {
        self.permit(()).await
    }

    #[cfg(not(any(target_family = "wasm", test)))]
    #[expect(clippy::unused_async, reason = "waits where there are other tabs")]
    async fn permit<G>(&self, gate: G) -> Result<Permit<G>> {
        Ok(Permit { _gate: gate })
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

/// The name of a table or store that was opened is taken by another, which another tab set up.
fn replaced(name: &str) -> Error {
    Error::schema(format!(
        "`{name}` was set up otherwise since it was opened here, by another tab; open it again, or give \
         one of the two another name"
    ))
}
