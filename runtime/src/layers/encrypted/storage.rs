//! A key-value store whose values are sealed.

use std::sync::Arc;

use super::{
    Keys,
    changes::OpenedLog,
    rows::{Opening, SealedEntries, SealedEntry},
};
use crate::{
    capabilities::Capabilities,
    changes::{ChangeFeed, FeedSlot},
    endpoint::Endpoint,
    error::{Error, Result},
    kv::{DynKvStorage, KvDef, KvEntry, KvScan, is_same},
    maybe_send::BoxFuture,
    storage::{RowReceiver, RowSink},
    value::{EncodedKey, Value},
};

pub(super) struct EncryptedKv {
    inner: Arc<dyn DynKvStorage>,
    definition: Arc<KvDef>,
    keys: Arc<Keys>,
    feed: FeedSlot,
}

impl EncryptedKv {
    pub(super) fn new(
        inner: Arc<dyn DynKvStorage>,
        definition: Arc<KvDef>,
        keys: Arc<Keys>,
    ) -> Self {
        Self { inner, definition, keys, feed: FeedSlot::default() }
    }

    fn opening(&self, rows: RowSink) -> RowSink {
        Opening::sink(&self.definition, &self.keys, rows)
    }

    fn seal(&self, entry: KvEntry) -> Result<KvEntry> {
        let value = self.keys.seal(self.definition.name(), &entry.key, &entry.value)?;
        Ok(KvEntry { value, ..entry })
    }

    /// The entry as it is now: sealed, and its value.
    async fn seen(&self, key: &EncodedKey, now: i64) -> Result<Option<(SealedEntry, Value)>> {
        let sink = SealedEntries::sink(&self.definition, now);
        let entries = SealedEntries::take(self.inner.get(key.clone(), sink).await?)?;
        let Some(entry) = entries.into_iter().next() else { return Ok(None) };
        let (name, value_type) = (self.definition.name(), self.definition.value_type());
        let value = (self.keys.open(name, key, value_type, &entry.sealed))
            .map_err(|message| Error::decode("value", message))?;
        Ok(Some((entry, value)))
    }

    /// The entry as it is now, sealed, if it has that value.
    async fn still(&self, key: &EncodedKey, expected: &Value, now: i64) -> Result<Option<Value>> {
        let seen = self.seen(key, now).await?;
        let same = seen.filter(|(_, value)| is_same(value, expected));
        Ok(same.map(|(entry, _)| Value::Bytes(entry.sealed)))
    }

    async fn add(&self, key: EncodedKey, by: i64, now: i64) -> Result<i64> {
        loop {
            let (entry, before) = self.seen(&key, now).await?.unzip();
            let sum = self.definition.add(before.as_ref(), by)?;
            let (sealed, expires_at) =
                entry.map(|entry| (Value::Bytes(entry.sealed), entry.expires_at)).unzip();
            let (value, expires_at) = (Value::Int(sum), expires_at.flatten());
            let entry = self.seal(KvEntry { key: key.clone(), value, expires_at })?;
            // No two writes seal to the same, so this finds out whether anybody wrote meanwhile.
            if self.inner.put_if(entry, sealed, now).await? {
                return Ok(sum);
            }
        }
    }
}

impl DynKvStorage for EncryptedKv {
    fn definition(&self) -> &Arc<KvDef> {
        &self.definition
    }

    fn backend(&self) -> &'static str {
        self.inner.backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn endpoint(&self) -> Endpoint {
        self.inner.endpoint()
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        let sealed = self.inner.change_feed()?;
        let (definition, keys) = (Arc::clone(&self.definition), Arc::clone(&self.keys));
        Ok(self.feed.get_or(|| OpenedLog::new(sealed, definition, keys)))
    }

    fn get_at_once(&self, _key: &EncodedKey, _rows: &mut dyn RowReceiver) -> Result<bool> {
        Ok(false)
    }

    fn setup_database(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.setup_database()
    }

    fn get(&self, key: EncodedKey, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        Box::pin(async { Opening::take(self.inner.get(key, self.opening(rows)).await?) })
    }

    fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        Box::pin(async { Opening::take(self.inner.get_many(keys, self.opening(rows)).await?) })
    }

    fn scan(&self, scan: KvScan, now: i64, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        Box::pin(
            async move { Opening::take(self.inner.scan(scan, now, self.opening(rows)).await?) },
        )
    }

    fn size(&self, now: i64) -> BoxFuture<'_, Result<u64>> {
        self.inner.size(now)
    }

    fn put(&self, entries: Vec<KvEntry>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let sealed = entries.into_iter().map(|entry| self.seal(entry));
            self.inner.put(sealed.collect::<Result<_>>()?).await
        })
    }

    fn put_if(
        &self,
        entry: KvEntry,
        expected: Option<Value>,
        now: i64,
    ) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move {
            let Some(expected) = expected else {
                return self.inner.put_if(self.seal(entry)?, None, now).await;
            };
            loop {
                let Some(still) = self.still(&entry.key, &expected, now).await? else {
                    return Ok(false);
                };
                let sealed = self.seal(entry.clone())?;
                if self.inner.put_if(sealed, Some(still), now).await? {
                    return Ok(true);
                }
                // Somebody wrote meanwhile, maybe the same value.
            }
        })
    }

    fn delete_if(
        &self,
        key: EncodedKey,
        expected: Option<Value>,
        now: i64,
    ) -> BoxFuture<'_, Result<bool>> {
        let Some(expected) = expected else { return self.inner.delete_if(key, None, now) };
        Box::pin(async move {
            loop {
                let Some(still) = self.still(&key, &expected, now).await? else {
                    return Ok(false);
                };
                if self.inner.delete_if(key.clone(), Some(still), now).await? {
                    return Ok(true);
                }
            }
        })
    }

    fn increment(&self, key: EncodedKey, by: i64, now: i64) -> BoxFuture<'_, Result<i64>> {
        Box::pin(self.add(key, by, now))
    }

    fn expire(
        &self,
        key: EncodedKey,
        expires_at: Option<i64>,
        now: i64,
    ) -> BoxFuture<'_, Result<bool>> {
        self.inner.expire(key, expires_at, now)
    }

    fn delete_all(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.delete_all()
    }

    fn remove_change_log(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.remove_change_log()
    }

    fn purge_expired(&self, now: i64) -> BoxFuture<'_, Result<u64>> {
        self.inner.purge_expired(now)
    }
}
