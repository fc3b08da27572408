//! What the handle's methods do, for whichever types.

use std::{
    any::Any,
    future::Future,
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{TryStreamExt as _, stream};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    definition::{KvDef, VALUE},
    entry::{Entry, KvEntry, KvScan, is_expired, read_expiry},
    events::RawKvEvent,
    handle::KvCore,
    value::{KvInteger, KvKey, KvValue, column_type, decode, encode},
};
use crate::{
    codec::{ColumnSource, ColumnValue, DecodeError, EncodeError},
    error::{Error, Result},
    maybe_send::{BoxFuture, BoxStream},
    operation,
    storage::RowReceiver,
    tabular::unwrap,
    value::{EncodedKey, Value},
};

/// So many entries are fetched at a time.
const PAGE: u64 = 256;

/// So often, in microseconds, a write removes what has expired.
const PURGE_INTERVAL: i64 = 60_000_000;

/// The end of the year 9999, which every backend can hold.
const LAST_MOMENT: i64 = 253_402_300_799_999_999;

/// The text that stands for a value: the SHA-256 of its canonical JSON (RFC 8785), in hexadecimal
/// digits. The order of an object's names does not matter, at any depth; 5 and 7 differ.
///
/// Fails with [`Error::Validation`] when the value cannot be JSON.
///
/// ```
/// use serde_json::json;
/// use storehouse::kv::object_as_id_string;
///
/// let one = object_as_id_string(&json!({"a": 1, "b": [2]}))?;
/// assert_eq!(one, object_as_id_string(&json!({"b": [2], "a": 1}))?);
/// assert_eq!(one.len(), 64);
/// # Ok::<_, storehouse::Error>(())
/// ```
pub fn object_as_id_string<T: Serialize + ?Sized>(object: &T) -> Result<String> {
    let canonical = serde_json_canonicalizer::to_vec(&object)
        .map_err(|error| Error::validation(format!("this value cannot be JSON: {error}")))?;
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(canonical) {
        for half in [byte >> 4, byte & 15] {
            digits.extend(char::from_digit(u32::from(half), 16));
        }
    }
    Ok(digits)
}

/// The definition of a store with those types.
pub(crate) fn definition_of<K: KvKey, V: KvValue>(name: &str) -> Result<Arc<KvDef>> {
    KvDef::new(name, <K as ColumnValue>::TYPE, column_type::<V>())
}

/// Fails when a store of that definition holds keys or values of other types.
pub(super) fn check_types<K: KvKey, V: KvValue>(definition: &KvDef) -> Result<()> {
    let (key, value) = (definition.key_type(), definition.value_type());
    if key == <K as ColumnValue>::TYPE && value == column_type::<V>() {
        return Ok(());
    }
    Err(Error::validation(format!(
        "`{}` holds keys of {key:?} and values of {value:?}, not of {:?} and {:?}",
        definition.name(),
        <K as ColumnValue>::TYPE,
        column_type::<V>()
    )))
}

fn encode_error(error: &EncodeError) -> Error {
    Error::validation(format!("the value cannot be written: {}", error.message))
}

impl KvCore {
    /// Runs one operation; see [`operation::run`].
    pub(super) async fn run<R>(
        &self,
        name_of_operation: &'static str,
        work: impl Future<Output = Result<R>>,
    ) -> Result<R> {
        let (backend, name) = (self.storage.backend(), self.storage.definition().name());
        let usable = self.check_usable();
        operation::run(&self.environment, backend, name, name_of_operation, usable, work).await
    }

    pub(super) fn check_usable(&self) -> Result<()> {
        if let Some(why) = self.misused {
            return Err(Error::validation(why));
        }
        if self.hub.is_closed() {
            return Err(Error::closed(
                "the handle was destroyed; get a new one from the store with `kv()`",
            ));
        }
        Ok(())
    }

    /// The time, in microseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.environment.clock.now().timestamp_micros()
    }

    fn emit(&self, event: impl FnOnce() -> RawKvEvent) {
        if !self.hub.is_listened_to() {
            return;
        }
        match &self.transaction {
            Some(transaction) => transaction.defer(Arc::clone(&self.hub), event()),
            None => self.hub.emit(&event()),
        }
    }

    fn expiry(&self, time_to_live: Option<Duration>) -> Result<Option<i64>> {
        let Some(time_to_live) = time_to_live else { return Ok(None) };
        if time_to_live.is_zero() {
            return Err(Error::validation(
                "a time to live of nothing; delete the key instead, or give at least a microsecond",
            ));
        }
        let time_to_live = i64::try_from(time_to_live.as_micros().max(1)).ok();
        let expires_at = time_to_live
            .and_then(|time_to_live| self.now().checked_add(time_to_live))
            .filter(|expires_at| *expires_at <= LAST_MOMENT);
        expires_at.map(Some).ok_or_else(|| {
            Error::validation("a time to live that ends after the year 9999; leave it out")
        })
    }

    pub(super) fn get<V: KvValue>(&self, key: EncodedKey) -> BoxFuture<'_, Result<Option<V>>> {
        Box::pin(self.run("get", async move { self.find(key).await }))
    }

    async fn find<V: KvValue>(&self, key: EncodedKey) -> Result<Option<V>> {
        self.storage.definition().check_key(&key)?;
        let asked = self.hub.is_listened_to().then(|| key.clone());
        let sink = Box::new(Values::<V> { now: self.now(), values: vec![None] });
        let sink = self.storage.get(key, sink).await?;
        let value = unwrap::<Values<V>>(sink)?.values.pop().flatten();
        if let Some(key) = asked {
            self.emit_get(key, value.as_ref());
        }
        Ok(value)
    }

    fn emit_get<V: KvValue>(&self, key: EncodedKey, value: Option<&V>) {
        // What was read can be written.
        let value = value.and_then(|value| encode(value).ok());
        self.emit(|| RawKvEvent::Get(key, value));
    }

    pub(super) fn get_many<V: KvValue>(
        &self,
        keys: Vec<EncodedKey>,
    ) -> BoxFuture<'_, Result<Vec<Option<V>>>> {
        Box::pin(self.run("get_many", async move {
            keys.iter().try_for_each(|key| self.storage.definition().check_key(key))?;
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            let asked = self.hub.is_listened_to().then(|| keys.clone());
            let values = std::iter::repeat_with(|| None).take(keys.len()).collect();
            let sink = Box::new(Values::<V> { now: self.now(), values });
            let values = unwrap::<Values<V>>(self.storage.get_many(keys, sink).await?)?.values;
            for (key, value) in asked.into_iter().flatten().zip(&values) {
                self.emit_get(key, value.as_ref());
            }
            Ok(values)
        }))
    }

    pub(super) fn put<V: KvValue>(
        &self,
        name_of_operation: &'static str,
        entries: Vec<(EncodedKey, V)>,
        time_to_live: Option<Duration>,
    ) -> BoxFuture<'_, Result<()>> {
        // Encoded now, so that the future need not hold values.
        let entries: Result<Vec<_>> = entries
            .into_iter()
            .map(|(key, value)| Ok((key, encode(&value).map_err(|error| encode_error(&error))?)))
            .collect();
        Box::pin(self.run(name_of_operation, async move {
            let expires_at = self.expiry(time_to_live)?;
            let entry = |(key, value)| self.entry(key, value, expires_at);
            let entries: Vec<_> = entries?.into_iter().map(entry).collect::<Result<_>>()?;
            if entries.is_empty() {
                return Ok(());
            }
            let told = if self.hub.is_listened_to() { entries.clone() } else { Vec::new() };
            self.storage.put(entries).await?;
            for entry in told {
                self.emit(|| RawKvEvent::Put(entry.key, entry.value));
            }
            if expires_at.is_some() {
                self.purge_now_and_then().await;
            }
            Ok(())
        }))
    }

    fn entry(&self, key: EncodedKey, value: Value, expires_at: Option<i64>) -> Result<KvEntry> {
        let definition = self.storage.definition();
        definition.check_key(&key)?;
        definition.check_value(&value)?;
        Ok(KvEntry { key, value, expires_at })
    }

    /// Removes what has expired, when that has not been done for a while. The write that does so
    /// has been done, so what goes wrong here is not its error.
    async fn purge_now_and_then(&self) {
        let (now, last) = (self.now(), self.purged_at.load(Ordering::Relaxed));
        let is_due = self.transaction.is_none() && now.saturating_sub(last) >= PURGE_INTERVAL;
        let exchange =
            || self.purged_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
        if is_due
            && exchange().is_ok()
            && let Err(error) = self.storage.purge_expired(now).await
        {
            tracing::warn!(target: "storehouse", %error, "what has expired could not be removed");
        }
    }

    pub(super) fn expire(
        &self,
        key: EncodedKey,
        time_to_live: Option<Duration>,
    ) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.run("expire", async move {
            self.storage.definition().check_key(&key)?;
            let expires_at = self.expiry(time_to_live)?;
            self.storage.expire(key, expires_at, self.now()).await
        }))
    }

    pub(super) fn compare_and_swap<V: KvValue>(
        &self,
        key: EncodedKey,
        expected: Option<&V>,
        new: Option<&V>,
    ) -> BoxFuture<'_, Result<bool>> {
        let encoded = |value: &V| encode(value).map_err(|error| encode_error(&error));
        let expected = expected.map(encoded).transpose();
        let new = new.map(encoded).transpose();
        Box::pin(self.run("compare_and_swap", async move {
            let (expected, new, now) = (expected?, new?, self.now());
            let Some(new) = new else {
                let Some(expected) = expected else {
                    // Nothing for nothing: only the question is left.
                    return Ok(self.find_any(key).await?.is_none());
                };
                self.storage.definition().check_key(&key)?;
                let deleted = self.storage.delete_if(key.clone(), Some(expected), now).await?;
                if deleted {
                    self.emit(|| RawKvEvent::Delete(key));
                }
                return Ok(deleted);
            };
            let entry = self.entry(key, new, None)?;
            let told = self.hub.is_listened_to().then(|| entry.clone());
            let swapped = self.storage.put_if(entry, expected, now).await?;
            if swapped && let Some(entry) = told {
                self.emit(|| RawKvEvent::Put(entry.key, entry.value));
            }
            Ok(swapped)
        }))
    }

    /// Whether the key is there, without its value.
    async fn find_any(&self, key: EncodedKey) -> Result<Option<()>> {
        self.storage.definition().check_key(&key)?;
        let sink = Box::new(Present { now: self.now(), found: None });
        Ok(unwrap::<Present>(self.storage.get(key, sink).await?)?.found)
    }

    pub(super) fn increment<V: KvInteger>(
        &self,
        key: EncodedKey,
        by: i64,
    ) -> BoxFuture<'_, Result<V>> {
        Box::pin(self.run("increment", async move {
            self.storage.definition().check_key(&key)?;
            let told = self.hub.is_listened_to().then(|| key.clone());
            let sum = self.storage.increment(key, by, self.now()).await?;
            if let Some(key) = told {
                self.emit(|| RawKvEvent::Put(key, Value::Int(sum)));
            }
            V::try_from(sum).map_err(|_| {
                Error::decode("value", format!("{sum} does not fit the type of the values"))
            })
        }))
    }

    pub(super) fn delete(&self, key: EncodedKey) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.run("delete", async move {
            self.storage.definition().check_key(&key)?;
            let told = self.hub.is_listened_to().then(|| key.clone());
            let deleted = self.storage.delete_if(key, None, self.now()).await?;
            if deleted && let Some(key) = told {
                self.emit(|| RawKvEvent::Delete(key));
            }
            Ok(deleted)
        }))
    }

    pub(super) async fn delete_all(&self) -> Result<()> {
        self.run("delete_all", async {
            self.storage.delete_all().await?;
            self.emit(|| RawKvEvent::DeleteAll);
            Ok(())
        })
        .await
    }

    pub(super) async fn get_all<K: KvKey, V: KvValue>(&self) -> Result<Vec<(K, V)>> {
        self.run("get_all", async {
            let now = self.now();
            let sink = Box::new(Entries::<K, V> { now, entries: Vec::new() });
            let sink = self.storage.scan(KvScan::default(), now, sink).await?;
            let entries = unwrap::<Entries<K, V>>(sink)?.entries;
            self.emit(|| RawKvEvent::GetAll(entries.len()));
            Ok(entries.into_iter().map(|entry| (entry.key, entry.value)).collect())
        })
        .await
    }

    pub(super) fn scan<K: KvKey, V: KvValue>(
        &self,
        name_of_operation: &'static str,
        prefix: Option<String>,
    ) -> BoxStream<'_, Result<Entry<K, V>>> {
        let first = Some(KvScan { prefix, after: None, limit: Some(PAGE) });
        let pages = stream::try_unfold(first, move |scan| async move {
            let Some(scan) = scan else { return Ok(None) };
            let page: Vec<Entry<K, V>> = self.page(name_of_operation, scan.clone()).await?;
            let is_full = page.len() as u64 == PAGE;
            let after = page.last().map(|entry| entry.key.encode());
            let next = is_full.then_some(KvScan { after, ..scan });
            Ok::<_, Error>(Some((stream::iter(page.into_iter().map(Ok)), next)))
        });
        Box::pin(pages.try_flatten())
    }

    async fn page<K: KvKey, V: KvValue>(
        &self,
        name_of_operation: &'static str,
        scan: KvScan,
    ) -> Result<Vec<Entry<K, V>>> {
        self.run(name_of_operation, async {
            if let Some(prefix) = &scan.prefix {
                let key = EncodedKey::single(Value::Text(prefix.clone()));
                self.storage.definition().check_key(&key)?;
            }
            let now = self.now();
            let sink = Box::new(Entries::<K, V> { now, entries: Vec::new() });
            let sink = self.storage.scan(scan, now, sink).await?;
            Ok(unwrap::<Entries<K, V>>(sink)?.entries)
        })
        .await
    }

    pub(super) async fn get_or_insert_with<V: KvValue>(
        &self,
        key: EncodedKey,
        compute: impl AsyncFnOnce() -> Result<V>,
    ) -> Result<V> {
        self.run("get_or_insert_with", async move {
            if let Some(value) = self.find(key.clone()).await? {
                return Ok(value);
            }
            let _turn = self.flight.turn(key.clone()).await;
            // Somebody may have been first while this waited.
            if let Some(value) = self.find(key.clone()).await? {
                return Ok(value);
            }
            let value = compute().await?;
            let encoded = encode(&value).map_err(|error| encode_error(&error))?;
            let entry = self.entry(key.clone(), encoded, None)?;
            if self.storage.put_if(entry.clone(), None, self.now()).await? {
                self.emit(|| RawKvEvent::Put(entry.key, entry.value));
                return Ok(value);
            }
            // Another process was first. What it wrote may be gone again by the time that it is
            // read, and then this value is as good as any.
            Ok(self.find(key).await?.unwrap_or(value))
        })
        .await
    }
}

/// Takes values, each at its key's place, unless they have expired.
struct Values<V> {
    now: i64,
    values: Vec<Option<V>>,
}

/// Takes entries, in order, unless they have expired.
struct Entries<K, V> {
    now: i64,
    entries: Vec<Entry<K, V>>,
}

/// Sees whether there is an entry that has not expired.
struct Present {
    now: i64,
    found: Option<()>,
}

impl<V: KvValue> RowReceiver for Values<V> {
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        if let Some(place) = self.values.get_mut(position)
            && !is_expired(read_expiry(source)?, self.now)
        {
            *place = Some(decode(source, VALUE)?);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<K: KvKey, V: KvValue> RowReceiver for Entries<K, V> {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let key = <K as ColumnValue>::decode;
        self.entries.extend(Entry::read(source, self.now, key, decode)?);
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl RowReceiver for Present {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        self.found = (!is_expired(read_expiry(source)?, self.now)).then_some(());
        Ok(ControlFlow::Break(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
