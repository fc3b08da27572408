//! A key-value store in a table: on every backend that has tables.

use std::{
    any::Any,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    definition::{EXPIRES_AT, KEY, KvDef, REVISION, VALUE},
    entry::{KvEntry, KvScan, is_expired, read_expiry},
    storage::KvStorage,
};
use crate::{
    capabilities::Capabilities,
    changes::ChangeFeed,
    codec::{ColumnSource, DecodeError, read_value},
    column_type::ColumnType,
    endpoint::Endpoint,
    error::{Error, Result},
    filter::{Comparison, FilterTree},
    order::{Direction, OrderTerm},
    patch::Assignment,
    selection::Selection,
    storage::{DynTabularStorage, RowReceiver, RowSink, WriteMode},
    tabular::unwrap,
    value::{EncodedKey, EncodedRow, Value},
};

/// A [`KvStorage`] over a table of any backend.
///
/// Each write gives the entry another revision, so that an entry can be replaced or deleted only as
/// it was seen, whatever its value's type.
pub struct KvViaTabular {
    definition: Arc<KvDef>,
    storage: Arc<dyn DynTabularStorage>,
    /// The next revision. It begins anywhere, since other processes give revisions too.
    revision: AtomicI64,
}

impl std::fmt::Debug for KvViaTabular {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KvViaTabular")
            .field("name", &self.definition.name())
            .finish_non_exhaustive()
    }
}

impl KvViaTabular {
    /// The store `definition` in the table that `storage` is, which is that of
    /// [`KvDef::table`].
    pub fn new(definition: Arc<KvDef>, storage: Arc<dyn DynTabularStorage>) -> Self {
        let (half, _) = Uuid::new_v4().as_u64_pair();
        Self { definition, storage, revision: AtomicI64::new(half.cast_signed()) }
    }

    fn next_revision(&self) -> Value {
        Value::Int(self.revision.fetch_add(1, Ordering::Relaxed))
    }

    fn row(&self, entry: KvEntry) -> EncodedRow {
        let mut row: Vec<Value> = entry.key.into_values();
        row.extend([entry.value, expiry(entry.expires_at), self.next_revision()]);
        EncodedRow(row)
    }

    /// What makes an entry that is there into another.
    fn replacing(&self, value: Value, expires_at: Option<i64>) -> Vec<Assignment> {
        vec![
            Assignment::set(VALUE, value),
            Assignment::set(EXPIRES_AT, expiry(expires_at)),
            Assignment::set(REVISION, self.next_revision()),
        ]
    }

    /// The entry as it is now, unless it has expired: its value and its revision.
    async fn seen(&self, key: &EncodedKey, now: i64) -> Result<Option<(Value, Value)>> {
        let sink = Box::new(Seen { value_type: self.definition.value_type(), now, found: None });
        let sink = self.storage.get(key.clone(), sink).await?;
        Ok(unwrap::<Seen>(sink)?.found)
    }

    /// Where the entry has the value `expected`, the condition that it still is that entry.
    async fn if_still(
        &self,
        key: &EncodedKey,
        expected: &Value,
        now: i64,
    ) -> Result<Option<FilterTree>> {
        let seen = self.seen(key, now).await?;
        Ok(seen.filter(|(value, _)| is_same(value, expected)).map(|(_, revision)| {
            let value = revision;
            FilterTree::Compare { column: REVISION, comparison: Comparison::Equal, value }
        }))
    }
}

fn expiry(expires_at: Option<i64>) -> Value {
    expires_at.map_or(Value::Null, Value::DateTime)
}

fn expires(comparison: Comparison, now: i64) -> FilterTree {
    FilterTree::Compare { column: EXPIRES_AT, comparison, value: Value::DateTime(now) }
}

/// What has not expired.
fn live(now: i64) -> FilterTree {
    FilterTree::IsNull { column: EXPIRES_AT }.or(expires(Comparison::Greater, now))
}

fn expired(now: i64) -> FilterTree {
    expires(Comparison::LessOrEqual, now)
}

/// Whether two values are the same: JSON numbers by their value, since a database may write one
/// in another way.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Json(one), Value::Json(other)) => is_same_document(one, other),
        _ => one.compare(other).is_eq(),
    }
}

fn is_same_document(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(left), Json::Number(right)) => {
            left == right || (left.is_f64() || right.is_f64()) && left.as_f64() == right.as_f64()
        }
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(one, other)| is_same_document(one, other))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, one)| {
                    right.get(name).is_some_and(|other| is_same_document(one, other))
                })
        }
        _ => one == other,
    }
}

/// Takes one entry's value and revision, unless it has expired.
struct Seen {
    value_type: ColumnType,
    now: i64,
    found: Option<(Value, Value)>,
}

impl RowReceiver for Seen {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        if !is_expired(read_expiry(source)?, self.now) {
            let value = read_value(self.value_type, source, VALUE)?;
            let revision = Value::Int(source.read_int(REVISION)?);
            self.found = Some((value, revision));
        }
        Ok(ControlFlow::Break(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl KvStorage for KvViaTabular {
    fn definition(&self) -> &Arc<KvDef> {
        &self.definition
    }

    fn backend(&self) -> &'static str {
        self.storage.backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.storage.capabilities()
    }

    fn endpoint(&self) -> Endpoint {
        self.storage.endpoint()
    }

    async fn setup_database(&self) -> Result<()> {
        self.storage.setup_database().await
    }

    async fn get(&self, key: EncodedKey, rows: RowSink) -> Result<RowSink> {
        self.storage.get(key, rows).await
    }

    async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        self.storage.get_many(keys, rows).await
    }

    async fn scan(&self, scan: KvScan, now: i64, rows: RowSink) -> Result<RowSink> {
        let prefix = scan.prefix.filter(|prefix| !prefix.is_empty());
        let prefix = prefix
            .map_or(FilterTree::all(), |prefix| FilterTree::StartsWith { column: KEY, prefix });
        let selection = Selection {
            filter: prefix.and(live(now)),
            order: vec![OrderTerm { column: KEY, direction: Direction::Ascending }],
            after: scan.after.map(EncodedKey::into_values),
            limit: scan.limit,
            offset: 0,
            lock: None,
            columns: Some(vec![KEY, VALUE, EXPIRES_AT]),
        };
        self.storage.select(selection, rows).await
    }

    async fn size(&self, now: i64) -> Result<u64> {
        self.storage.count(live(now)).await
    }

    async fn put(&self, entries: Vec<KvEntry>) -> Result<()> {
        let rows = entries.into_iter().map(|entry| self.row(entry)).collect();
        self.storage.write(rows, WriteMode::Put).await.map(drop)
    }

    async fn put_if(&self, entry: KvEntry, expected: Option<Value>, now: i64) -> Result<bool> {
        let Some(expected) = expected else {
            let row = self.row(entry.clone());
            let stored = self.storage.write(vec![row], WriteMode::InsertIfAbsent).await?;
            if stored.iter().any(Option::is_some) {
                return Ok(true);
            }
            // What has expired is not there.
            let replacing = self.replacing(entry.value, entry.expires_at);
            let replaced = self.storage.update(entry.key, expired(now), replacing).await?;
            return Ok(replaced.is_some());
        };
        loop {
            let Some(condition) = self.if_still(&entry.key, &expected, now).await? else {
                return Ok(false);
            };
            let replacing = self.replacing(entry.value.clone(), entry.expires_at);
            if self.storage.update(entry.key.clone(), condition, replacing).await?.is_some() {
                return Ok(true);
            }
            // Somebody wrote meanwhile, maybe the same value.
        }
    }

    async fn delete_if(&self, key: EncodedKey, expected: Option<Value>, now: i64) -> Result<bool> {
        let Some(expected) = expected else {
            return self.storage.delete(key, live(now)).await;
        };
        loop {
            let Some(condition) = self.if_still(&key, &expected, now).await? else {
                return Ok(false);
            };
            if self.storage.delete(key.clone(), condition).await? {
                return Ok(true);
            }
        }
    }

    async fn increment(&self, key: EncodedKey, by: i64, now: i64) -> Result<i64> {
        loop {
            let adding = vec![
                Assignment::increment(VALUE, Value::Int(by)),
                Assignment::set(REVISION, self.next_revision()),
            ];
            if let Some(row) = self.storage.update(key.clone(), live(now), adding).await? {
                return match row.0.get(VALUE) {
                    Some(Value::Int(sum)) => Ok(*sum),
                    _ => Err(Error::decode("value", "what was incremented is no integer")),
                };
            }
            let first = Value::Int(by);
            self.definition.check_value(&first)?;
            let entry = KvEntry { key: key.clone(), value: first, expires_at: None };
            if self.put_if(entry, None, now).await? {
                return Ok(by);
            }
            // Somebody was first, so there is something to add to.
        }
    }

    async fn expire(&self, key: EncodedKey, expires_at: Option<i64>, now: i64) -> Result<bool> {
        let setting = vec![
            Assignment::set(EXPIRES_AT, expiry(expires_at)),
            Assignment::set(REVISION, self.next_revision()),
        ];
        Ok(self.storage.update(key, live(now), setting).await?.is_some())
    }

    async fn delete_all(&self) -> Result<()> {
        self.storage.delete_all().await
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        self.storage.change_feed()
    }

    async fn remove_change_log(&self) -> Result<()> {
        self.storage.remove_change_log().await
    }

    async fn purge_expired(&self, now: i64) -> Result<u64> {
        self.storage.delete_search(expired(now)).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_the_same_by_their_value() {
        let same = |one: Json, other: Json| is_same_document(&one, &other);
        assert!(same(json!({"a": [1.0], "b": "x"}), json!({"b": "x", "a": [1]})));
        assert!(!same(json!(u64::MAX), json!(u64::MAX - 1)));
        assert!(!same(json!([1]), json!([1, 1])));
        assert!(!same(json!({"a": 1}), json!({"b": 1})));
        assert!(!same(json!(null), json!(false)));
    }
}
