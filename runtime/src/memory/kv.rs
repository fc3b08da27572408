//! Key-value stores in memory: entries in a hash map rather than rows in ordered maps, since most
//! who come want one key. They take part in the database's transactions, and in logs of changes.

mod table;
mod touched;
mod view;

use std::sync::Arc;

use self::table::{EXPIRES_AT, KEY, StoredEntry, VALUE, expiry_of};
#[cfg(any(target_family = "wasm", test))]
pub(super) use self::touched::Touched;
pub(super) use self::{
    table::{KvTable, row_of},
    view::{Overlay, View, Writing},
};
use super::{CAPABILITIES, NAME, changes, database::Database, transaction::Workspace};
use crate::{
    capabilities::Capabilities,
    changes::ChangeFeed,
    codec::RowRef,
    error::{Error, Result},
    kv::{KvDef, KvEntry, KvScan, KvStorage, is_same},
    storage::{RowReceiver, RowSink},
    value::{EncodedKey, Value},
};

/// A key-value store in memory; made by a store, or directly with [`InMemoryKvStorage::new`].
///
/// ```
/// use std::sync::Arc;
/// use storehouse_runtime::{
///     ColumnType, Environment, kv::{Kv, KvDef}, memory::InMemoryKvStorage,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse_runtime::Result<()> {
/// let definition = KvDef::new("visits", ColumnType::Text, ColumnType::I64)?;
/// let storage = Arc::new(InMemoryKvStorage::new(definition));
/// let visits = Kv::<String, i64>::from_storage(storage, Environment::default())?;
/// visits.setup_database().await?;
/// assert_eq!(visits.increment("home", 2).await?, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct InMemoryKvStorage {
    database: Arc<Database>,
    table: Arc<KvTable>,
    /// Where the store is read and changed instead, inside a transaction.
    workspace: Option<Arc<Workspace>>,
    /// The definition that it was opened with, which says whether changes are to be logged.
    definition: Arc<KvDef>,
}

impl std::fmt::Debug for InMemoryKvStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InMemoryKvStorage")
            .field("name", &self.definition.name())
            .finish_non_exhaustive()
    }
}

impl InMemoryKvStorage {
    /// A store in a database of its own.
    pub fn new(definition: Arc<KvDef>) -> Self {
        let table = Arc::new(KvTable::new(Arc::clone(&definition)));
        Self { database: Arc::default(), table, workspace: None, definition }
    }

    pub(super) fn open(database: &Arc<Database>, definition: &Arc<KvDef>) -> Result<Self> {
        let (table, definition) = (database.kv(definition)?, Arc::clone(definition));
        Ok(Self { database: Arc::clone(database), table, workspace: None, definition })
    }

    pub(super) fn open_in(
        database: &Arc<Database>,
        definition: &Arc<KvDef>,
        workspace: Arc<Workspace>,
    ) -> Result<Self> {
        Ok(Self { workspace: Some(workspace), ..Self::open(database, definition)? })
    }

    /// Looks at the store as it is now. `look` must be brief: writers wait for it.
    fn look<R>(&self, look: impl FnOnce(View<'_>) -> R) -> Result<R> {
        match &self.workspace {
            Some(workspace) => workspace.look_at_kv(&self.table, look),
            None => Ok(look(View { state: &*self.table.read()?, overlay: None })),
        }
    }

    /// Changes the store. `change` fails before it changes anything, or not at all.
    async fn change<R>(&self, change: impl FnOnce(&mut Writing<'_>) -> Result<R>) -> Result<R> {
        if let Some(workspace) = &self.workspace {
            return workspace.change_kv(&self.table, change);
        }
        let _permit = self.database.permit_write().await?;
        let mut state = self.table.write()?;
        let mut happened = self.table.log.is_on().then(Vec::new);
        let writing = &mut Writing::Direct { state: &mut state, happened: happened.as_mut() };
        let answer = change(writing)?;
        if let Some(happened) = happened {
            self.table.log.record(happened);
        }
        Ok(answer)
    }

    fn hand_over(
        &self,
        position: usize,
        entry: &StoredEntry,
        rows: &mut dyn RowReceiver,
    ) -> Result<bool> {
        let received = rows.receive(position, &mut RowRef(&entry[..]));
        received
            .map(|flow| flow.is_continue())
            .map_err(|error| error.into_error(self.definition.table()))
    }
}

/// The key's one value.
fn only(key: EncodedKey) -> Result<Value> {
    key.into_values().pop().ok_or_else(|| Error::validation("a key has one value"))
}

fn stored(entry: KvEntry) -> Result<StoredEntry> {
    let expires_at = entry.expires_at.map_or(Value::Null, Value::DateTime);
    Ok(Arc::new([only(entry.key)?, entry.value, expires_at]))
}

impl KvStorage for InMemoryKvStorage {
    fn definition(&self) -> &Arc<KvDef> {
        &self.definition
    }

    fn backend(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn get_at_once(&self, key: &EncodedKey, rows: &mut dyn RowReceiver) -> Result<bool> {
        let [key] = key.values() else { return Ok(false) };
        // Handed over without the lock, since decoding may run code of the program's.
        let entry = self.look(|view| view.get(key).cloned())?;
        if let Some(entry) = entry {
            self.hand_over(0, &entry, rows)?;
        }
        Ok(true)
    }

    async fn setup_database(&self) -> Result<()> {
        let _permit = self.database.permit_set_up().await?;
        self.database.set_up_kv(&self.table, self.definition.table().changes)
    }

    async fn get(&self, key: EncodedKey, mut rows: RowSink) -> Result<RowSink> {
        self.get_at_once(&key, &mut *rows)?;
        Ok(rows)
    }

    async fn get_many(&self, keys: Vec<EncodedKey>, mut rows: RowSink) -> Result<RowSink> {
        let entries: Vec<Option<StoredEntry>> = self.look(|view| {
            let entry = |key: &EncodedKey| view.get(key.values().first()?).cloned();
            keys.iter().map(entry).collect()
        })?;
        for (position, entry) in entries.iter().enumerate() {
            if let Some(entry) = entry
                && !self.hand_over(position, entry, &mut *rows)?
            {
                break;
            }
        }
        Ok(rows)
    }

    async fn scan(&self, scan: KvScan, now: i64, mut rows: RowSink) -> Result<RowSink> {
        for (position, entry) in self.look(|view| view.scan(&scan, now))?.iter().enumerate() {
            if !self.hand_over(position, entry, &mut *rows)? {
                break;
            }
        }
        Ok(rows)
    }

    async fn size(&self, now: i64) -> Result<u64> {
        self.look(|view| view.size(now) as u64)
    }

    async fn put(&self, entries: Vec<KvEntry>) -> Result<()> {
        let entries = entries.into_iter().map(stored).collect::<Result<Vec<_>>>()?;
        self.change(|writing| {
            for entry in entries {
                writing.set(entry);
            }
            Ok(())
        })
        .await
    }

    async fn put_if(&self, entry: KvEntry, expected: Option<Value>, now: i64) -> Result<bool> {
        let entry = stored(entry)?;
        self.change(|writing| {
            let is_as_expected = match (writing.view().live(&entry[KEY], now), &expected) {
                (Some(present), Some(expected)) => is_same(&present[VALUE], expected),
                (present, expected) => present.is_none() && expected.is_none(),
            };
            if is_as_expected {
                writing.set(entry);
            }
            Ok(is_as_expected)
        })
        .await
    }

    async fn delete_if(&self, key: EncodedKey, expected: Option<Value>, now: i64) -> Result<bool> {
        let key = only(key)?;
        self.change(|writing| {
            let is_as_expected = writing.view().live(&key, now).is_some_and(|present| {
                expected.as_ref().is_none_or(|expected| is_same(&present[VALUE], expected))
            });
            if is_as_expected {
                writing.remove(&key);
            }
            Ok(is_as_expected)
        })
        .await
    }

    async fn increment(&self, key: EncodedKey, by: i64, now: i64) -> Result<i64> {
        let key = only(key)?;
        self.change(|writing| {
            let view = writing.view();
            let present = view.live(&key, now);
            let sum = self.definition.add(present.map(|entry| &entry[VALUE]), by)?;
            let expires_at = present.map_or(Value::Null, |entry| entry[EXPIRES_AT].clone());
            writing.set(Arc::new([key, Value::Int(sum), expires_at]));
            Ok(sum)
        })
        .await
    }

    async fn expire(&self, key: EncodedKey, expires_at: Option<i64>, now: i64) -> Result<bool> {
        let key = only(key)?;
        self.change(|writing| {
            let Some(present) = writing.view().live(&key, now).cloned() else { return Ok(false) };
            if expiry_of(&present) != expires_at {
                let expires_at = expires_at.map_or(Value::Null, Value::DateTime);
                writing.set(Arc::new([key, present[VALUE].clone(), expires_at]));
            }
            Ok(true)
        })
        .await
    }

    async fn delete_all(&self) -> Result<()> {
        self.change(|writing| {
            writing.clear();
            Ok(())
        })
        .await
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        Ok(changes::feed(changes::Logged::Kv(Arc::clone(&self.table))))
    }

    async fn remove_change_log(&self) -> Result<()> {
        let _permit = self.database.permit_write().await?;
        let _state = self.table.lock();
        self.table.log.switch_off();
        Ok(())
    }

    async fn purge_expired(&self, now: i64) -> Result<u64> {
        self.change(|writing| Ok(writing.purge(now))).await
    }
}
