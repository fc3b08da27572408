//! Key-value stores in folders, as handles use them.

use std::sync::Arc;

use storehouse_runtime::{
    Capabilities, ChangeFeed, ColumnType, EncodedKey, Result, RowSink, Value,
    kv::{KvDef, KvEntry, KvScan, KvStorage},
};

use super::{Form, KvFolder, hand_over};
use crate::{
    CAPABILITIES, NAME, RAW_CAPABILITIES, changes::FileLog, folder::Access, options::FolderOptions,
};

/// A key-value store with a JSON file for each key, which holds the key, the value and until when they stay.
/// [`Store::kv`](storehouse_runtime::Store::kv) gives one.
///
/// ```
/// use storehouse::kv::Kv;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// let store = storehouse::open(&format!("fs:{}", folder.path().display())).await?;
/// let settings: Kv<String, Vec<u16>> = store.kv("settings").await?;
/// settings.setup_database().await?;
/// settings.put("Column widths", vec![80, 120]).await?;
///
/// let file = folder.path().join("settings/+column widths.json");
/// assert!(std::fs::read_to_string(file).unwrap().contains("\"key\": \"Column widths\""));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FolderJsonKvStorage {
    store: Arc<KvFolder>,
    /// The handle's own, which may ask for a log of changes where another does not.
    definition: Arc<KvDef>,
}

/// A key-value store of raw files: the key is the path, with `/` between folders, and the value is
/// what is in the file, byte for byte.
///
/// [`FolderBackend::raw_kv`](crate::FolderBackend::raw_kv) opens one, and shows how to use it. There are
/// no times to live, for which a raw file has no place.
#[derive(Clone)]
pub struct FolderKvStorage {
    store: Arc<KvFolder>,
    definition: Arc<KvDef>,
}

impl FolderJsonKvStorage {
    /// The store in the folder that the options name. Nothing is read before it is needed.
    pub fn open(options: &FolderOptions, definition: Arc<KvDef>) -> Self {
        let store = Arc::new(KvFolder::new(Arc::clone(&definition), Form::Json, options));
        Self::of(store, definition)
    }

    pub(crate) const fn of(store: Arc<KvFolder>, definition: Arc<KvDef>) -> Self {
        Self { store, definition }
    }
}

impl FolderKvStorage {
    /// The store in the folder that the options name, called `name` in messages. Nothing is read
    /// before it is needed.
    ///
    /// Fails with [`Error::Validation`](storehouse_runtime::Error::Validation) when the name is none that
    /// a store can have.
    pub fn open_named(name: &str, options: &FolderOptions) -> Result<Self> {
        let definition = Self::definition_of(name)?;
        let store = Arc::new(KvFolder::new(Arc::clone(&definition), Form::Raw, options));
        Ok(Self::of(store, definition))
    }

    /// Of the store of that name.
    pub(crate) fn definition_of(name: &str) -> Result<Arc<KvDef>> {
        KvDef::new(name, ColumnType::Text, ColumnType::Bytes)
    }

    pub(crate) const fn of(store: Arc<KvFolder>, definition: Arc<KvDef>) -> Self {
        Self { store, definition }
    }
}

macro_rules! kv_storage {
    ($storage:ident, $capabilities:expr, { $($changes:item)* }) => {
        impl std::fmt::Debug for $storage {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($storage))
                    .field("path", &self.store.folder.path)
                    .finish_non_exhaustive()
            }
        }

        impl KvStorage for $storage {
            fn definition(&self) -> &Arc<KvDef> {
                &self.definition
            }

            fn backend(&self) -> &'static str {
                NAME
            }

            fn capabilities(&self) -> Capabilities {
                $capabilities
            }

            async fn setup_database(&self) -> Result<()> {
                self.store.set_up(self.definition.table().changes).await
            }

            async fn get(&self, key: EncodedKey, rows: RowSink) -> Result<RowSink> {
                self.store.get(key, rows).await
            }

            async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
                self.store.get_many(keys, rows).await
            }

            async fn scan(&self, scan: KvScan, now: i64, rows: RowSink) -> Result<RowSink> {
                let job = move |store: &KvFolder, held: &_| store.scan(held, &scan, now, rows);
                self.store.locked(Access::Shared, job).await
            }

            async fn size(&self, now: i64) -> Result<u64> {
                self.store.locked(Access::Shared, move |store, held| store.size(held, now)).await
            }

            async fn put(&self, entries: Vec<KvEntry>) -> Result<()> {
                self.store.locked(Access::Exclusive, |store, held| store.put(held, entries)).await
            }

            async fn put_if(
                &self,
                entry: KvEntry,
                expected: Option<Value>,
                now: i64,
            ) -> Result<bool> {
                let job = move |store: &KvFolder, held: &_| {
                    store.put_if(held, entry, expected.as_ref(), now)
                };
                self.store.locked(Access::Exclusive, job).await
            }

            async fn delete_if(
                &self,
                key: EncodedKey,
                expected: Option<Value>,
                now: i64,
            ) -> Result<bool> {
                let job = move |store: &KvFolder, held: &_| {
                    store.delete_if(held, &key, expected.as_ref(), now)
                };
                self.store.locked(Access::Exclusive, job).await
            }

            async fn increment(&self, key: EncodedKey, by: i64, now: i64) -> Result<i64> {
                let job = move |store: &KvFolder, held: &_| store.increment(held, key, by, now);
                self.store.locked(Access::Exclusive, job).await
            }

            async fn expire(
                &self,
                key: EncodedKey,
                expires_at: Option<i64>,
                now: i64,
            ) -> Result<bool> {
                let job =
                    move |store: &KvFolder, held: &_| store.expire(held, key, expires_at, now);
                self.store.locked(Access::Exclusive, job).await
            }

            async fn delete_all(&self) -> Result<()> {
                self.store.locked(Access::Exclusive, |store, held| store.delete_all(held)).await
            }

            async fn purge_expired(&self, now: i64) -> Result<u64> {
                let job = move |store: &KvFolder, held: &_| store.purge_expired(held, now);
                self.store.locked(Access::Exclusive, job).await
            }

            $($changes)*
        }
    };
}

kv_storage!(FolderJsonKvStorage, CAPABILITIES, {
    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        Ok(self.store.changes.feed.get_or(|| FileLog::new(&self.store)))
    }

    async fn remove_change_log(&self) -> Result<()> {
        self.store.remove_change_log().await
    }
});

kv_storage!(FolderKvStorage, RAW_CAPABILITIES, {});

impl KvFolder {
    async fn get(self: &Arc<Self>, key: EncodedKey, mut rows: RowSink) -> Result<RowSink> {
        if self.get_here(&key, &mut rows)? {
            return Ok(rows);
        }
        let job = move |store: &Self, held: &_| store.entry(&key, Some(held));
        if let Some(entry) = self.locked(Access::Shared, job).await? {
            let _ = hand_over(&self.definition, 0, &entry, &mut rows)?;
        }
        Ok(rows)
    }

    async fn get_many(
        self: &Arc<Self>,
        keys: Vec<EncodedKey>,
        mut rows: RowSink,
    ) -> Result<RowSink> {
        let job = move |store: &Self, held: &_| {
            for (position, key) in keys.iter().enumerate() {
                if let Some(entry) = store.entry(key, Some(held))?
                    && hand_over(&store.definition, position, &entry, &mut rows)?.is_break()
                {
                    break;
                }
            }
            Ok(rows)
        };
        self.locked(Access::Shared, job).await
    }
}
