//! A database that is shared between tabs: its permits wait for the other tabs too, and it takes in the
//! tables that those set up.

use std::sync::Arc;

use super::{Database, KvTable, Peers, Permit, Table, lock};
use crate::{
    changes::ChangeRetention, definition::TableDef, error::Result, kv::KvDef, memory::peers::Host,
};

impl Database {
    /// A database of that name, brought together with those of other tabs.
    pub(in super::super) fn shared(name: &str, host: Arc<dyn Host>) -> Arc<Self> {
        Arc::new_cyclic(|database| {
            let peers = Some(Peers::new(name, host, database.clone()));
            Self { peers, ..Self::default() }
        })
    }

    /// Waits until it holds what other tabs have.
    pub(in super::super) async fn join(&self) -> Result<()> {
        self.permit_set_up().await.map(drop)
    }

    pub(super) async fn permit<G>(&self, gate: G) -> Result<Permit<G>> {
        let session = match &self.peers {
            Some(peers) => Some(peers.enter().await?),
            None => None,
        };
        Ok(Permit { _session: session, _gate: gate })
    }

    /// Every table, by name, those too that are not set up.
    pub(in super::super) fn tables(&self) -> Vec<(String, Arc<Table>)> {
        let tables = lock(&self.tables);
        tables.iter().map(|(name, table)| (name.clone(), Arc::clone(table))).collect()
    }

    /// Every key-value store, by name, those too that are not set up.
    pub(in super::super) fn kv_tables(&self) -> Vec<(String, Arc<KvTable>)> {
        let tables = lock(&self.kv_tables);
        tables.iter().map(|(name, table)| (name.clone(), Arc::clone(table))).collect()
    }

    /// The table of that name, if it is set up.
    pub(in super::super) fn set_up_table(&self, name: &str) -> Option<Arc<Table>> {
        lock(&self.tables).get(name).filter(|table| table.is_set_up()).cloned()
    }

    /// The key-value store of that name, if it is set up.
    pub(in super::super) fn set_up_kv_table(&self, name: &str) -> Option<Arc<KvTable>> {
        lock(&self.kv_tables).get(name).filter(|table| table.lock().is_ready()).cloned()
    }

    /// The table that another tab set up. One that was opened here under that name and is another is
    /// not found any more, and cannot be set up.
    pub(in super::super) fn adopt(&self, definition: &Arc<TableDef>) -> Arc<Table> {
        let name = definition.full_name().into_owned();
        let mut tables = lock(&self.tables);
        if let Some(store) = lock(&self.kv_tables).remove(&name) {
            store.lock().forget();
        }
        if let Some(table) = tables.get(&name) {
            if table.check_same(definition).is_ok() {
                return Arc::clone(table);
            }
            table.lock().forget();
        }
        let table = Arc::new(Table::new(Arc::clone(definition)));
        tables.insert(name, Arc::clone(&table));
        table
    }

    /// The key-value store that another tab set up, as with [`Database::adopt`].
    pub(in super::super) fn adopt_kv(&self, definition: &Arc<KvDef>) -> Arc<KvTable> {
        let name = definition.name().to_owned();
        let mut tables = lock(&self.tables);
        if let Some(table) = tables.remove(&name) {
            table.lock().forget();
        }
        drop(tables);
        let mut stores = lock(&self.kv_tables);
        if let Some(store) = stores.get(&name) {
            if store.check_same(definition).is_ok() {
                return Arc::clone(store);
            }
            store.lock().forget();
        }
        let store = Arc::new(KvTable::new(Arc::clone(definition)));
        stores.insert(name, Arc::clone(&store));
        store
    }

    /// How much logs of changes keep that are begun now.
    pub(in super::super) fn retention(&self) -> ChangeRetention {
        *lock(&self.retention)
    }
}
