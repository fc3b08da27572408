//! Keeping what was read, for those who read it again.
//!
//! A cache holds rows and entries by their keys, and, for a key that is not there, that it is not.
//! Everything that may have changed one forgets it: writes through the layer once they are done, and
//! the table's changes where it logs them. Whoever reads meanwhile stores nothing, so that what was
//! read before a change is never kept after it.

mod follow;
mod kv;
mod read;
mod rows;
mod sql;
mod statistics;
mod tabular;
mod writing;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use self::statistics::CacheStatistics;
use self::{
    kv::CachedKv,
    rows::RowCache,
    sql::{WatchedBackend, WatchedTransaction},
    statistics::Counters,
    tabular::CachedTabular,
};
use super::layer::{Layer, LayerScope};
use crate::{
    backend::{DynBackend, DynBackendTransaction},
    engine::EngineId,
    kv::{DynKvStorage, KvDef},
    storage::DynTabularStorage,
};

/// Answers `get` and `get_many` from memory where it can. Needs the feature `cached`; not for browsers.
///
/// A row that is not there is remembered too. Of many who ask for one key at once one reads, and the
/// others wait for its answer, or its error. Queries, counts and streams always go to the database, and
/// so does everything inside a transaction, which sees its own writes.
///
/// A handle never reads what is older than its own writes, or those of others who share the layer, once
/// they are done. What *others* write is seen after a moment, by the log of changes of the table or the
/// key-value store: let it have one, with `#[table(changes)]`,
/// [`Store::kv_logged`](crate::Store::kv_logged) or
/// [`StoreBuilder::log_changes`](crate::StoreBuilder::log_changes), and keep a `tokio` runtime. Without
/// a log it is seen once it has become too old in the cache: after `time_to_live`.
///
/// Put around a whole store, it also knows that SQL of the program's own may change anything, and that
/// deletions cascade.
///
/// ```
/// use storehouse::{layers::Cached, prelude::*};
///
/// #[derive(Table, Clone, Debug, PartialEq)]
/// #[table(changes)]
/// struct Product {
///     #[table(key)]
///     sku: String,
///     price: f64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let cached = Cached::new().capacity(1_000);
/// let store = storehouse::open("sqlite::memory:").await?.layer(cached.clone());
/// let products = store.tabular::<Product>().await?;
/// products.setup_database().await?;
///
/// products.put(Product { sku: "A1".into(), price: 9.5 }).await?;
/// for _ in 0..3 {
///     assert_eq!(products.get("A1").await?.unwrap().price, 9.5);
/// }
/// let statistics = cached.statistics();
/// assert_eq!((statistics.misses, statistics.hits), (1, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Cached {
    capacity: u64,
    time_to_live: Duration,
    shared: Arc<SharedCaches>,
}

/// What all that the layer was put around share.
#[derive(Debug, Default)]
struct SharedCaches {
    counters: Arc<Counters>,
    caches: Mutex<HashMap<CacheOf, Arc<RowCache>>>,
}

/// What a cache is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CacheOf {
    engine: EngineId,
    is_kv: bool,
    name: String,
}

impl Cached {
    /// Up to 10,000 rows of each table and entries of each key-value store, each for a minute.
    pub fn new() -> Self {
        Self { capacity: 10_000, time_to_live: Duration::from_mins(1), shared: Arc::default() }
    }

    /// So many rows of each table, or entries of each key-value store, at most; the ones that are used
    /// least go first.
    ///
    /// To be called before the layer is put around something.
    #[must_use]
    pub const fn capacity(mut self, capacity: u64) -> Self {
        self.capacity = capacity;
        self
    }

    /// For how long something is kept at most: how old what others wrote can be where no log of changes
    /// tells.
    ///
    /// To be called before the layer is put around something.
    #[must_use]
    pub const fn time_to_live(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = time_to_live;
        self
    }

    /// How the cache has done so far, over all that the layer was put around.
    pub fn statistics(&self) -> CacheStatistics {
        let entries = self.shared.lock().values().map(|cache| cache.entries()).sum();
        self.shared.counters.read(entries)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.shared.lock().values().for_each(|cache| cache.clear());
    }

    /// The cache of that name, shared by all handles of one database.
    fn cache(&self, scope: &LayerScope, is_kv: bool, name: &str) -> Arc<RowCache> {
        let make =
            || Arc::new(RowCache::new(self.capacity, self.time_to_live, &self.shared.counters));
        match scope.engine() {
            Some(engine) => {
                let name = CacheOf { engine, is_kv, name: name.to_owned() };
                Arc::clone(self.shared.lock().entry(name).or_insert_with(make))
            }
            // What was made by hand is known to nobody else.
            None => make(),
        }
    }
}

impl Default for Cached {
    fn default() -> Self {
        Self::new()
    }
}

impl SharedCaches {
    fn lock(&self) -> MutexGuard<'_, HashMap<CacheOf, Arc<RowCache>>> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything of a database, of which anything may have changed.
    fn clear_engine(&self, engine: EngineId) {
        let caches = self.lock();
        let of_engine = caches.iter().filter(|(name, _)| name.engine == engine);
        of_engine.for_each(|(_, cache)| cache.clear());
    }

    /// Forgets everything of the tables that refer to this one, and of those that refer to them: a
    /// deletion may have gone on there.
    fn clear_referring(&self, engine: EngineId, table: &str) {
        let caches = self.lock();
        let (mut seen, mut next) = (Vec::new(), vec![table.to_owned()]);
        while let Some(target) = next.pop() {
            for (name, cache) in caches.iter().filter(|(name, _)| name.engine == engine) {
                if cache.refers_to(&target) && !seen.contains(&name) {
                    cache.clear();
                    seen.push(name);
                    next.push(name.name.clone());
                }
            }
        }
    }
}

impl Layer for Cached {
    fn tabular(
        &self,
        inner: Arc<dyn DynTabularStorage>,
        scope: &LayerScope,
    ) -> Arc<dyn DynTabularStorage> {
        let cache = self.cache(scope, false, &inner.definition().full_name());
        let shared = Arc::clone(&self.shared);
        Arc::new(CachedTabular::new(inner, cache, shared, scope.clone()))
    }

    fn kv(
        &self,
        inner: Arc<dyn DynKvStorage>,
        _definition: &Arc<KvDef>,
        scope: &LayerScope,
    ) -> Arc<dyn DynKvStorage> {
        let cache = self.cache(scope, true, inner.definition().name());
        Arc::new(CachedKv::new(inner, cache, scope.clone()))
    }

    fn backend(&self, inner: Arc<dyn DynBackend>) -> Arc<dyn DynBackend> {
        Arc::new(WatchedBackend::new(inner, Arc::clone(&self.shared)))
    }

    fn transaction(
        &self,
        inner: Arc<dyn DynBackendTransaction>,
        backend: &dyn DynBackend,
    ) -> Arc<dyn DynBackendTransaction> {
        let shared = Arc::clone(&self.shared);
        Arc::new(WatchedTransaction::new(inner, backend.engine(), shared))
    }
}
