//! Transactions in memory: snapshots that are changed aside and put in place at the commit.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    InMemoryKvStorage, InMemoryTabularStorage,
    changes::{self, Happened},
    database::{Database, TransactionPermit},
    kv::{KvTable, Overlay, View, Writing},
    links::{self, Joint},
    table::{State, Table},
};
use crate::{
    backend::BackendTransaction,
    definition::TableDef,
    error::{Error, Result},
    kv::{DynKvStorage, KvDef},
    storage::DynTabularStorage,
};

/// An open transaction of a database in memory.
#[derive(Debug)]
pub struct InMemoryTransaction {
    database: Arc<Database>,
    workspace: Arc<Workspace>,
}

/// The tables that a transaction has touched, as it sees them.
pub(super) struct Workspace {
    inner: Mutex<Inner>,
}

struct Inner {
    /// Given back when the transaction ends.
    permit: Option<TransactionPermit>,
    /// By name, so that a commit locks them in one order.
    tables: BTreeMap<String, (Arc<Table>, State)>,
    kv_tables: BTreeMap<String, (Arc<KvTable>, Overlay)>,
    savepoints: Vec<Savepoint>,
    /// What happened to tables that log it, in order.
    happened: Vec<(Arc<Table>, Vec<Happened>)>,
}

/// What a transaction goes back to.
struct Savepoint {
    tables: BTreeMap<String, (Arc<Table>, State)>,
    kv_tables: BTreeMap<String, (Arc<KvTable>, Overlay)>,
    happened: usize,
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspace").finish_non_exhaustive()
    }
}

impl InMemoryTransaction {
    pub(super) async fn begin(database: &Arc<Database>) -> Result<Self> {
        let permit = database.permit_transaction().await?;
        let inner = Inner {
            permit: Some(permit),
            tables: BTreeMap::new(),
            kv_tables: BTreeMap::new(),
            savepoints: Vec::new(),
            happened: Vec::new(),
        };
        let workspace = Arc::new(Workspace { inner: Mutex::new(inner) });
        Ok(Self { database: Arc::clone(database), workspace })
    }
}

impl Workspace {
    /// Looks at a table as the transaction sees it, and changes it there.
    pub(super) fn change<R>(
        &self,
        table: &Arc<Table>,
        change: impl FnOnce(&mut State) -> Result<R>,
    ) -> Result<R> {
        let mut inner = self.lock();
        inner.check_open()?;
        let name = table.definition.full_name();
        if !inner.tables.contains_key(&*name) {
            let snapshot = table.read()?.clone();
            inner.tables.insert(name.clone().into_owned(), (Arc::clone(table), snapshot));
        }
        match inner.tables.get_mut(&*name) {
            Some((_, state)) => change(state),
            None => unreachable!("the table was just put there"),
        }
    }

    /// Changes a table, and notes what happened.
    pub(super) fn change_logged<R>(
        &self,
        table: &Arc<Table>,
        change: impl FnOnce(&mut State) -> Result<R>,
    ) -> Result<R> {
        let (answer, happened) = self.change(table, |state| {
            let before = state.clone();
            let answer = change(state)?;
            Ok((answer, changes::between(&before, state)))
        })?;
        self.lock().happened.push((Arc::clone(table), happened));
        Ok(answer)
    }

    /// Changes a table that stands in references, and others as they say.
    pub(super) fn change_linked<R>(
        &self,
        table: &Arc<Table>,
        change: impl FnOnce(&mut State) -> Result<R>,
    ) -> Result<R> {
        let mut inner = self.lock();
        inner.check_open()?;
        let mut joint = Joint(Vec::new());
        let concerned = links::concerned(table);
        for (name, table) in &concerned {
            let state = match inner.tables.get(name) {
                Some((_, state)) => state.clone(),
                None => table.read()?.clone(),
            };
            joint.0.push((Arc::clone(table), state));
        }
        let logged: Vec<_> = (joint.0.iter())
            .map(|(table, state)| table.log.is_on().then(|| state.clone()))
            .collect();
        let answer = joint.change(table, change)?;
        for (before, (table, after)) in logged.iter().zip(&joint.0) {
            if let Some(before) = before {
                inner.happened.push((Arc::clone(table), changes::between(before, after)));
            }
        }
        inner.tables.extend(concerned.into_keys().zip(joint.0));
        Ok(answer)
    }

    /// Looks at a key-value store as the transaction sees it.
    pub(super) fn look_at_kv<R>(
        &self,
        table: &Arc<KvTable>,
        look: impl FnOnce(View<'_>) -> R,
    ) -> Result<R> {
        let inner = self.lock();
        inner.check_open()?;
        let overlay = inner.kv_tables.get(table.definition.name()).map(|(_, overlay)| overlay);
        Ok(look(View { state: &*table.read()?, overlay }))
    }

    /// Changes a key-value store, for the transaction alone.
    pub(super) fn change_kv<R>(
        &self,
        table: &Arc<KvTable>,
        change: impl FnOnce(&mut Writing<'_>) -> Result<R>,
    ) -> Result<R> {
        let mut inner = self.lock();
        inner.check_open()?;
        let state = table.read()?;
        let name = table.definition.name().to_owned();
        let (_, overlay) =
            inner.kv_tables.entry(name).or_insert_with(|| (Arc::clone(table), Overlay::default()));
        change(&mut Writing::Inside { state: &state, overlay })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn check_open(&self) -> Result<()> {
        if self.permit.is_some() {
            Ok(())
        } else {
            Err(Error::closed("the transaction has ended; begin another one"))
        }
    }
}

impl BackendTransaction for InMemoryTransaction {
    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        let workspace = Arc::clone(&self.workspace);
        Ok(Arc::new(InMemoryTabularStorage::open_in(&self.database, definition, workspace)?))
    }

    fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>> {
        let workspace = Arc::clone(&self.workspace);
        Ok(Arc::new(InMemoryKvStorage::open_in(&self.database, definition, workspace)?))
    }

    async fn commit(&self) -> Result<()> {
        let mut inner = self.workspace.lock();
        inner.check_open()?;
        let tables = std::mem::take(&mut inner.tables);
        let kv_tables: Vec<_> = std::mem::take(&mut inner.kv_tables).into_values().collect();
        // All locks are held before the first table changes, so that nobody sees half of it.
        let mut targets = Vec::with_capacity(tables.len());
        for (table, state) in tables.values() {
            targets.push((table.write()?, state));
        }
        let mut kv_targets = Vec::with_capacity(kv_tables.len());
        for (table, overlay) in &kv_tables {
            kv_targets.push((table, table.write()?, overlay));
        }
        for (target, state) in &mut targets {
            **target = state.clone();
        }
        for (table, happened) in std::mem::take(&mut inner.happened) {
            table.log.record(happened);
        }
        for (table, mut state, overlay) in kv_targets {
            let mut happened = table.log.is_on().then(Vec::new);
            overlay.clone().apply(&mut state, happened.as_mut());
            if let Some(happened) = happened {
                table.log.record(happened);
            }
        }
        drop(targets);
        inner.permit = None;
        Ok(())
    }

    async fn rollback(&self) -> Result<()> {
        let mut inner = self.workspace.lock();
        inner.check_open()?;
        inner.tables.clear();
        inner.kv_tables.clear();
        inner.permit = None;
        Ok(())
    }

    async fn savepoint(&self) -> Result<()> {
        let mut inner = self.workspace.lock();
        inner.check_open()?;
        let mark = Savepoint {
            tables: inner.tables.clone(),
            kv_tables: inner.kv_tables.clone(),
            happened: inner.happened.len(),
        };
        inner.savepoints.push(mark);
        Ok(())
    }

    async fn release_savepoint(&self) -> Result<()> {
        let mut inner = self.workspace.lock();
        inner.check_open()?;
        inner.savepoints.pop();
        Ok(())
    }

    fn rollback_savepoint(&self) {
        let mut inner = self.workspace.lock();
        if let Some(mark) = inner.savepoints.pop() {
            inner.tables = mark.tables;
            inner.kv_tables = mark.kv_tables;
            inner.happened.truncate(mark.happened);
        }
    }
}

impl Drop for InMemoryTransaction {
    fn drop(&mut self) {
        let mut inner = self.workspace.lock();
        inner.tables.clear();
        inner.kv_tables.clear();
        inner.permit = None;
    }
}
