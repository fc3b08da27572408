//! The handle of a key-value store: what programs call.

use std::{
    marker::PhantomData,
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use super::{
    definition::KvDef,
    entry::Entry,
    events::{KvEvents, RawKvEvent},
    get::KvGet,
    single_flight::SingleFlight,
    storage::DynKvStorage,
    value::{KvInteger, KvKey, KvValue},
};
use crate::{
    capabilities::Capabilities,
    codec::TextColumn,
    engine::EngineId,
    environment::Environment,
    error::Result,
    events::EventHub,
    layers::{Layer, LayerScope, Layers},
    maybe_send::{BoxFuture, BoxStream},
    table::BorrowedAs,
    tabular::{Anywhere, InTransaction},
    transaction::{Transaction, TransactionCore},
};

/// A key-value store with keys of `K` and values of `V`. Cheap to clone.
///
/// `Scope` is [`Anywhere`] for a handle from the store, and [`InTransaction`] for one that joined a
/// transaction and borrows it.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use storehouse::kv::Kv;
///
/// #[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
/// struct Settings {
///     theme: String,
///     columns: Vec<u8>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("sqlite::memory:").await?;
/// let settings: Kv<String, Settings> = store.kv("settings").await?;
/// settings.setup_database().await?;
///
/// let dark = Settings { theme: "dark".into(), columns: vec![1, 3] };
/// settings.put("ann", dark.clone()).await?;
/// assert_eq!(settings.get("ann").await?, Some(dark));
/// assert_eq!(settings.get("bob").await?, None);
/// assert!(settings.delete("ann").await?);
/// # Ok(())
/// # }
/// ```
pub struct Kv<K, V, Scope = Anywhere> {
    pub(super) core: Arc<KvCore>,
    marker: Marker<K, V, Scope>,
}

/// A handle holds none of its types.
type Marker<K, V, Scope> = PhantomData<fn() -> (K, V, Scope)>;

/// What a handle shares with its clones; the same for all types.
#[derive(Clone)]
pub(super) struct KvCore {
    pub(super) storage: Arc<dyn DynKvStorage>,
    layers: Layers,
    pub(super) engine: Option<EngineId>,
    pub(super) environment: Environment,
    pub(super) hub: Arc<EventHub<RawKvEvent>>,
    pub(super) flight: Arc<SingleFlight>,
    /// When what has expired was removed last, in microseconds.
    pub(super) purged_at: Arc<AtomicI64>,
    pub(super) transaction: Option<Arc<TransactionCore>>,
    /// Why the handle cannot be used: it joined a transaction of another store.
    pub(super) misused: Option<&'static str>,
}

impl<K, V, Scope> Clone for Kv<K, V, Scope> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), marker: PhantomData }
    }
}

impl<K, V, Scope> std::fmt::Debug for Kv<K, V, Scope> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kv")
            .field("name", &self.core.storage.definition().name())
            .field("backend", &self.core.storage.backend())
            .finish_non_exhaustive()
    }
}

impl<K: KvKey, V: KvValue> Kv<K, V> {
    /// A handle over a storage that was made by hand.
    ///
    /// Fails with [`Error::Validation`](crate::Error::Validation) when the storage holds keys or
    /// values of other types.
    pub fn from_storage(storage: Arc<dyn DynKvStorage>, environment: Environment) -> Result<Self> {
        super::operations::check_types::<K, V>(storage.definition())?;
        Ok(Self::new(storage, Layers::default(), environment, None))
    }

    pub(crate) fn new(
        storage: Arc<dyn DynKvStorage>,
        layers: Layers,
        environment: Environment,
        engine: Option<EngineId>,
    ) -> Self {
        let core = KvCore {
            storage,
            layers,
            engine,
            environment,
            hub: Arc::default(),
            flight: Arc::default(),
            purged_at: Arc::default(),
            transaction: None,
            misused: None,
        };
        Self { core: Arc::new(core), marker: PhantomData }
    }

    /// The same store inside a transaction of the same database.
    ///
    /// What it does is lasting only once the transaction commits, and its events wait until then.
    /// Every call fails with [`Error::Validation`](crate::Error::Validation) when the transaction
    /// is of another store.
    pub fn in_tx<'t>(&self, tx: &'t Transaction) -> Kv<K, V, InTransaction<'t>> {
        let transaction = tx.core();
        let mut core = KvCore::clone(&self.core);
        let definition = Arc::clone(core.storage.definition());
        if core.engine == Some(transaction.engine) {
            let scope = LayerScope::new(core.engine, Some(Arc::clone(transaction)));
            let open = |definition: &_| transaction.backend.kv(definition);
            match core.layers.kv(&definition, &scope, open) {
                Ok(joined) => core.storage = joined,
                Err(_) => {
                    core.misused = Some("the backend cannot open this store inside a transaction");
                }
            }
        } else {
            core.misused = Some(
                "the transaction belongs to another store; begin it on the store that the handle \
                 is of",
            );
        }
        core.transaction = Some(Arc::clone(transaction));
        Kv { core: Arc::new(core), marker: PhantomData }
    }

    /// The same store with a layer around it, which is the outermost. Clones and transactions that it
    /// joins have it too; see [`layers`](crate::layers).
    #[must_use]
    pub fn layer(&self, layer: impl Layer) -> Self {
        let mut core = KvCore::clone(&self.core);
        let definition = Arc::clone(core.storage.definition());
        let layer: Arc<dyn Layer> = Arc::new(layer);
        if layer.kv_definition(&definition).is_ok_and(|inner| inner.is_same(&definition)) {
            let scope = LayerScope::new(core.engine, None);
            core.storage = layer.kv(core.storage, &definition, &scope);
            core.layers = core.layers.and(layer);
        } else {
            core.misused = Some(
                "the layer stores values in another way than this handle was opened for; put it \
                 around the store, `store.layer(..)`, and open the handle from that",
            );
        }
        Self { core: Arc::new(core), marker: PhantomData }
    }

    /// Creates what the store needs in the database. Safe to call again, and by many processes at
    /// once. Fails with [`Error::Schema`](crate::Error::Schema) when something of that name is
    /// there that differs.
    pub async fn setup_database(&self) -> Result<()> {
        let core = &self.core;
        core.run("setup_database", core.storage.setup_database()).await
    }

    /// The value of the key; where there is none, what `compute` gives, which is stored.
    ///
    /// Of many who ask through this handle and its clones at once, one computes, and the others
    /// wait for its value. Where two processes compute at once, the value that was stored first
    /// is that of both. An error of `compute` is given to whose it is, and the next who waits
    /// computes.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// # let store = storehouse::open("memory:").await?;
    /// let squares = store.kv::<i64, i64>("squares").await?;
    /// squares.setup_database().await?;
    /// let square = squares.get_or_insert_with(7, async || Ok(7 * 7)).await?;
    /// assert_eq!(square, 49);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_or_insert_with(
        &self,
        key: impl Into<K>,
        compute: impl AsyncFnOnce() -> Result<V>,
    ) -> Result<V> {
        let key: K = key.into();
        self.core.get_or_insert_with(key.encode(), compute).await
    }
}

impl<K: KvKey, V: KvValue, Scope> Kv<K, V, Scope> {
    #[cfg(feature = "encrypted")]
    pub(crate) fn storage(&self) -> &Arc<dyn DynKvStorage> {
        &self.core.storage
    }

    /// The time by the store's clock, in microseconds since 1970.
    #[cfg(feature = "encrypted")]
    pub(crate) fn now(&self) -> i64 {
        self.core.now()
    }

    /// What is stored, and how.
    pub fn definition(&self) -> &Arc<KvDef> {
        self.core.storage.definition()
    }

    /// What the backend can do.
    pub fn capabilities(&self) -> Capabilities {
        self.core.storage.capabilities()
    }

    /// Subscribes to what is done through this handle and its clones.
    pub fn events(&self) -> KvEvents<K, V> {
        KvEvents::new(Arc::clone(&self.core.hub))
    }

    /// Ends the handle and its clones: every subscription ends, and further calls fail with
    /// [`Error::Closed`](crate::Error::Closed). Entries stay where they are.
    pub fn destroy(&self) {
        self.core.hub.close();
    }

    /// The value of a key, or `None`.
    pub fn get<B: ?Sized>(&self, key: &B) -> KvGet<'_, V>
    where
        K: BorrowedAs<B>,
    {
        KvGet::new(&self.core, K::encode_borrowed(key))
    }

    /// The values of those keys, in the order of the keys, with `None` for each that is not
    /// there. One round trip, however many keys.
    pub fn get_many<'k, B: ?Sized + 'k>(
        &self,
        keys: impl IntoIterator<Item = &'k B>,
    ) -> BoxFuture<'_, Result<Vec<Option<V>>>>
    where
        K: BorrowedAs<B>,
    {
        self.core.get_many(keys.into_iter().map(K::encode_borrowed).collect())
    }

    /// Stores a value under a key, in place of what was there. It stays until it is deleted.
    pub fn put(&self, key: impl Into<K>, value: V) -> BoxFuture<'_, Result<()>> {
        let key: K = key.into();
        self.core.put("put", vec![(key.encode(), value)], None)
    }

    /// Stores a value that is gone after `time_to_live`, to the microsecond, by the store's clock.
    ///
    /// Fails with [`Error::Validation`](crate::Error::Validation) when the time is nothing, or ends
    /// after the year 9999.
    pub fn put_with_time_to_live(
        &self,
        key: impl Into<K>,
        value: V,
        time_to_live: Duration,
    ) -> BoxFuture<'_, Result<()>> {
        let key: K = key.into();
        self.core.put("put_with_time_to_live", vec![(key.encode(), value)], Some(time_to_live))
    }

    /// Stores many values, all or none. Of two with one key the last wins.
    pub fn put_bulk<I: Into<K>>(
        &self,
        entries: impl IntoIterator<Item = (I, V)>,
    ) -> BoxFuture<'_, Result<()>> {
        let encode = |(key, value): (I, V)| (Into::<K>::into(key).encode(), value);
        self.core.put("put_bulk", entries.into_iter().map(encode).collect(), None)
    }

    /// Lets a key expire after that time, or, with `None`, stay. `false` when it is not there.
    ///
    /// Fails as [`put_with_time_to_live`](Self::put_with_time_to_live) does.
    pub fn expire<B: ?Sized>(
        &self,
        key: &B,
        time_to_live: Option<Duration>,
    ) -> BoxFuture<'_, Result<bool>>
    where
        K: BorrowedAs<B>,
    {
        self.core.expire(K::encode_borrowed(key), time_to_live)
    }

    /// Writes `new` if the value is `expected`, where `None` means that there is none: so it
    /// creates, replaces or deletes. Gives whether it did.
    ///
    /// Nothing comes between the comparison and the write. JSON is compared by its values: the
    /// order of an object's names does not matter. The entry stays until it is deleted, whether the
    /// one before would have expired or not.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// # let store = storehouse::open("memory:").await?;
    /// let owners = store.kv::<String, String>("owners").await?;
    /// owners.setup_database().await?;
    /// assert!(owners.compare_and_swap("room 7", None, Some("ann".into())).await?);
    /// assert!(!owners.compare_and_swap("room 7", None, Some("bob".into())).await?);
    /// assert!(owners.compare_and_swap("room 7", Some(&"ann".into()), None).await?);
    /// # Ok(())
    /// # }
    /// ```
    #[allow(clippy::needless_pass_by_value, reason = "the value is given away, as to a put")]
    pub fn compare_and_swap(
        &self,
        key: impl Into<K>,
        expected: Option<&V>,
        new: Option<V>,
    ) -> BoxFuture<'_, Result<bool>> {
        let key: K = key.into();
        self.core.compare_and_swap(key.encode(), expected, new.as_ref())
    }

    /// Adds to the integer under the key, where it is stored, and gives the sum: of many who do so
    /// at once each counts. Where there is none, it begins at 0, and stays until it is deleted.
    ///
    /// Fails with [`Error::Validation`](crate::Error::Validation) when the sum does not fit `V`,
    /// and changes nothing then.
    pub fn increment(&self, key: impl Into<K>, by: i64) -> BoxFuture<'_, Result<V>>
    where
        V: KvInteger,
    {
        let key: K = key.into();
        self.core.increment(key.encode(), by)
    }

    /// Deletes a key. `false` when it is not there.
    pub fn delete<B: ?Sized>(&self, key: &B) -> BoxFuture<'_, Result<bool>>
    where
        K: BorrowedAs<B>,
    {
        self.core.delete(K::encode_borrowed(key))
    }

    /// Every key and its value, in the order of the keys; text is ordered by its bytes.
    ///
    /// [`Kv::entries`] does not hold them all in memory.
    pub async fn get_all(&self) -> Result<Vec<(K, V)>> {
        self.core.get_all().await
    }

    /// Every entry, one by one, in the order of the keys.
    ///
    /// An entry that is there all the while is given exactly once, whatever others write.
    pub fn entries(&self) -> BoxStream<'_, Result<Entry<K, V>>> {
        self.core.scan("entries", None)
    }

    /// The entries whose keys begin so, one by one, in the order of the keys, as
    /// [`Kv::entries`] gives them.
    pub fn scan(&self, prefix: impl Into<String>) -> BoxStream<'_, Result<Entry<K, V>>>
    where
        K: TextColumn,
    {
        self.core.scan("scan", Some(prefix.into()))
    }

    /// Deletes every entry.
    pub async fn delete_all(&self) -> Result<()> {
        self.core.delete_all().await
    }

    /// How many entries there are.
    pub async fn size(&self) -> Result<u64> {
        let core = &self.core;
        core.run("size", core.storage.size(core.now())).await
    }

    /// Removes what has expired from where it is stored, and says how much that was.
    ///
    /// What has expired is never given to anybody; it takes room until it is removed. Writes with
    /// a time to live do so too, once a minute.
    pub async fn purge_expired(&self) -> Result<u64> {
        let core = &self.core;
        core.run("purge_expired", core.storage.purge_expired(core.now())).await
    }
}
