//! A key-value store with a cache in front of it.

use std::sync::Arc;

use super::{read::Reads, rows::RowCache, writing::Writing};
use crate::{
    capabilities::Capabilities,
    changes::ChangeFeed,
    endpoint::Endpoint,
    error::Result,
    kv::{DynKvStorage, KvDef, KvEntry, KvScan},
    layers::layer::LayerScope,
    maybe_send::{BoxFuture, MaybeSend},
    storage::{RowReceiver, RowSink},
    value::{EncodedKey, Value},
};

pub(super) struct CachedKv {
    reads: Reads<dyn DynKvStorage>,
}

impl CachedKv {
    pub(super) fn new(
        inner: Arc<dyn DynKvStorage>,
        cache: Arc<RowCache>,
        scope: LayerScope,
    ) -> Self {
        Self { reads: Reads::new(inner, cache, scope) }
    }

    fn inner(&self) -> &Arc<dyn DynKvStorage> {
        &self.reads.inner
    }

    /// Forgets keys, or, where there are none, everything, once a write is done.
    fn writing<R: MaybeSend + 'static>(
        &self,
        keys: Option<Vec<EncodedKey>>,
        work: impl Future<Output = Result<R>> + MaybeSend + 'static,
    ) -> BoxFuture<'_, Result<R>> {
        let cache = Arc::clone(&self.reads.cache);
        let forget = move || match keys {
            Some(keys) => keys.iter().for_each(|key| cache.forget(key)),
            None => cache.clear(),
        };
        if self.reads.scope.in_transaction() {
            self.reads.scope.after_transaction(forget);
            return Box::pin(work);
        }
        Box::pin(Writing::new(work, move |_| forget()))
    }
}

impl DynKvStorage for CachedKv {
    fn definition(&self) -> &Arc<KvDef> {
        self.inner().definition()
    }

    fn backend(&self) -> &'static str {
        self.inner().backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner().capabilities()
    }

    fn endpoint(&self) -> Endpoint {
        self.inner().endpoint()
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        self.inner().change_feed()
    }

    fn get_at_once(&self, key: &EncodedKey, rows: &mut dyn RowReceiver) -> Result<bool> {
        if self.reads.scope.in_transaction() {
            return self.inner().get_at_once(key, rows);
        }
        self.reads.get_at_once(key, rows)
    }

    fn setup_database(&self) -> BoxFuture<'_, Result<()>> {
        self.inner().setup_database()
    }

    fn get(&self, key: EncodedKey, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        self.reads.get(key, rows)
    }

    fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        self.reads.get_many(keys, rows)
    }

    fn scan(&self, scan: KvScan, now: i64, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        self.inner().scan(scan, now, rows)
    }

    fn size(&self, now: i64) -> BoxFuture<'_, Result<u64>> {
        self.inner().size(now)
    }

    fn put(&self, entries: Vec<KvEntry>) -> BoxFuture<'_, Result<()>> {
        let keys = entries.iter().map(|entry| entry.key.clone()).collect();
        let inner = Arc::clone(self.inner());
        self.writing(Some(keys), async move { inner.put(entries).await })
    }

    fn put_if(
        &self,
        entry: KvEntry,
        expected: Option<Value>,
        now: i64,
    ) -> BoxFuture<'_, Result<bool>> {
        let (inner, keys) = (Arc::clone(self.inner()), vec![entry.key.clone()]);
        self.writing(Some(keys), async move { inner.put_if(entry, expected, now).await })
    }

    fn delete_if(
        &self,
        key: EncodedKey,
        expected: Option<Value>,
        now: i64,
    ) -> BoxFuture<'_, Result<bool>> {
        let (inner, keys) = (Arc::clone(self.inner()), vec![key.clone()]);
        self.writing(Some(keys), async move { inner.delete_if(key, expected, now).await })
    }

    fn increment(&self, key: EncodedKey, by: i64, now: i64) -> BoxFuture<'_, Result<i64>> {
        let (inner, keys) = (Arc::clone(self.inner()), vec![key.clone()]);
        self.writing(Some(keys), async move { inner.increment(key, by, now).await })
    }

    fn expire(
        &self,
        key: EncodedKey,
        expires_at: Option<i64>,
        now: i64,
    ) -> BoxFuture<'_, Result<bool>> {
        let (inner, keys) = (Arc::clone(self.inner()), vec![key.clone()]);
        self.writing(Some(keys), async move { inner.expire(key, expires_at, now).await })
    }

    fn delete_all(&self) -> BoxFuture<'_, Result<()>> {
        let inner = Arc::clone(self.inner());
        self.writing(None, async move { inner.delete_all().await })
    }

    fn remove_change_log(&self) -> BoxFuture<'_, Result<()>> {
        self.inner().remove_change_log()
    }

    fn purge_expired(&self, now: i64) -> BoxFuture<'_, Result<u64>> {
        // What has expired is there for nobody, in the cache either.
        self.inner().purge_expired(now)
    }
}
