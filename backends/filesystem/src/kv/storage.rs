//! Key-value stores in folders, as handles use them.

use std::sync::Arc;

use storehouse_runtime::{
    Capabilities, ColumnType, EncodedKey, Error, Result, RowSink, Value,
    kv::{KvDef, KvEntry, KvScan, KvStorage},
};

use super::{Form, KvFolder, hand_over};
use crate::{CAPABILITIES, NAME, folder::Access, options::FolderOptions};

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
pub struct FolderJsonKvStorage(Arc<KvFolder>);

/// A key-value store of raw files: the key is the path, with `/` between folders, and the value is
/// what is in the file, byte for byte.
///
/// [`FolderBackend::raw_kv`](crate::FolderBackend::raw_kv) opens one, and shows how to use it. There are
/// no times to live, for which a raw file has no place.
#[derive(Clone)]
pub struct FolderKvStorage(Arc<KvFolder>);

impl FolderJsonKvStorage {
    /// The store in the folder that the options name. Nothing is read before it is needed.
    pub fn open(options: &FolderOptions, definition: Arc<KvDef>) -> Self {
        Self(Arc::new(KvFolder::new(definition, Form::Json, options)))
    }
}

impl FolderKvStorage {
    /// The store in the folder that the options name, called `name` in messages. Nothing is read
    /// before it is needed.
    ///
    /// Fails with [`Error::Validation`] when the name is none that a store can have.
    pub fn open_named(name: &str, options: &FolderOptions) -> Result<Self> {
        let definition = KvDef::new(name, ColumnType::Text, ColumnType::Bytes)?;
        Ok(Self(Arc::new(KvFolder::new(definition, Form::Raw, options))))
    }
}

macro_rules! kv_storage {
    ($storage:ident) => {
        impl std::fmt::Debug for $storage {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($storage))
                    .field("path", &self.0.folder.path)
                    .finish_non_exhaustive()
            }
        }

        impl KvStorage for $storage {
            fn definition(&self) -> &Arc<KvDef> {
                &self.0.definition
            }

            fn backend(&self) -> &'static str {
                NAME
            }

            fn capabilities(&self) -> Capabilities {
                CAPABILITIES
            }

            async fn setup_database(&self) -> Result<()> {
                self.0.set_up().await
            }

            async fn get(&self, key: EncodedKey, rows: RowSink) -> Result<RowSink> {
                self.0.get(key, rows).await
            }

            async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
                self.0.get_many(keys, rows).await
            }

            async fn scan(&self, scan: KvScan, now: i64, rows: RowSink) -> Result<RowSink> {
                let job = move |store: &KvFolder, held: &_| store.scan(held, &scan, now, rows);
                self.0.locked(Access::Shared, job).await
            }

            async fn size(&self, now: i64) -> Result<u64> {
                self.0.locked(Access::Shared, move |store, held| store.size(held, now)).await
            }

            async fn put(&self, entries: Vec<KvEntry>) -> Result<()> {
                self.0.locked(Access::Exclusive, |store, held| store.put(held, entries)).await
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
                self.0.locked(Access::Exclusive, job).await
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
                self.0.locked(Access::Exclusive, job).await
            }

            async fn increment(&self, key: EncodedKey, by: i64, now: i64) -> Result<i64> {
                if self.0.definition.value_type().integer_range().is_none() {
                    return Err(Error::validation("only integers can be incremented"));
                }
                let job = move |store: &KvFolder, held: &_| store.increment(held, key, by, now);
                self.0.locked(Access::Exclusive, job).await
            }

            async fn expire(
                &self,
                key: EncodedKey,
                expires_at: Option<i64>,
                now: i64,
            ) -> Result<bool> {
                let job =
                    move |store: &KvFolder, held: &_| store.expire(held, key, expires_at, now);
                self.0.locked(Access::Exclusive, job).await
            }

            async fn delete_all(&self) -> Result<()> {
                self.0.locked(Access::Exclusive, |store, held| store.delete_all(held)).await
            }

            async fn purge_expired(&self, now: i64) -> Result<u64> {
                let job = move |store: &KvFolder, held: &_| store.purge_expired(held, now);
                self.0.locked(Access::Exclusive, job).await
            }
        }
    };
}

kv_storage!(FolderJsonKvStorage);
kv_storage!(FolderKvStorage);

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
