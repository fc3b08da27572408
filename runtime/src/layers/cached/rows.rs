//! The cache of one table or key-value store: what is kept, and what is being read.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt as _, future::Shared};
use moka::sync::Cache;

use super::{follow::Following, statistics::Counters};
use crate::{
    codec::{self, ColumnSource, DecodeError, RowRef},
    column_type::ColumnType,
    error::{Error, Result},
    maybe_send::BoxFuture,
    storage::{RowReceiver, RowSink},
    tabular::unwrap,
    value::{EncodedKey, Value},
};

/// A row; none where the key is not there.
pub(super) type Kept = Option<Arc<[Value]>>;

/// A read that several wait for.
type Load = Shared<BoxFuture<'static, Result<Kept, Arc<Error>>>>;

pub(super) struct RowCache {
    rows: Cache<EncodedKey, Entry>,
    /// What is being read. Whoever forgets a key takes it from here, so that it is not kept.
    loads: Mutex<HashMap<EncodedKey, Loading>>,
    next_load: AtomicU64,
    /// Counts how often everything was forgotten: an entry of before is none.
    era: AtomicU64,
    pub(super) counters: Arc<Counters>,
    pub(super) following: Following,
    /// The tables that this one refers to.
    references: OnceLock<Vec<String>>,
}

#[derive(Clone)]
struct Entry {
    era: u64,
    row: Kept,
}

struct Loading {
    number: u64,
    /// None where it is one of many keys that are read together.
    load: Option<Load>,
}

impl fmt::Debug for RowCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowCache").field("entries", &self.entries()).finish_non_exhaustive()
    }
}

impl RowCache {
    pub(super) fn new(capacity: u64, time_to_live: Duration, counters: &Arc<Counters>) -> Self {
        Self {
            rows: Cache::builder().max_capacity(capacity).time_to_live(time_to_live).build(),
            loads: Mutex::default(),
            next_load: AtomicU64::new(0),
            era: AtomicU64::new(0),
            counters: Arc::clone(counters),
            following: Following::default(),
            references: OnceLock::new(),
        }
    }

    pub(super) fn entries(&self) -> u64 {
        self.rows.entry_count()
    }

    pub(super) fn set_references(&self, references: impl FnOnce() -> Vec<String>) {
        self.references.get_or_init(references);
    }

    pub(super) fn refers_to(&self, table: &str) -> bool {
        self.references.get().is_some_and(|names| names.iter().any(|name| name == table))
    }

    fn loads(&self) -> MutexGuard<'_, HashMap<EncodedKey, Loading>> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept of that key.
    pub(super) fn find(&self, key: &EncodedKey) -> Option<Kept> {
        let entry = self.rows.get(key)?;
        (entry.era == self.era.load(Ordering::Acquire)).then_some(entry.row)
    }

    /// Forgets a key.
    pub(super) fn forget(&self, key: &EncodedKey) {
        self.counters.invalidate();
        let mut loads = self.loads();
        loads.remove(key);
        self.rows.invalidate(key);
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.counters.invalidate();
        let mut loads = self.loads();
        loads.clear();
        self.era.fetch_add(1, Ordering::AcqRel);
        self.rows.invalidate_all();
    }

    /// Keeps what was read, unless the key was forgotten since the read began.
    fn keep(&self, key: EncodedKey, number: u64, row: Kept) {
        let mut loads = self.loads();
        if loads.get(&key).is_some_and(|loading| loading.number == number) {
            loads.remove(&key);
            let era = self.era.load(Ordering::Acquire);
            self.rows.insert(key, Entry { era, row });
        }
    }

    /// Takes back that a key is being read.
    fn give_up(&self, key: &EncodedKey, number: u64) {
        let mut loads = self.loads();
        if loads.get(key).is_some_and(|loading| loading.number == number) {
            loads.remove(key);
        }
    }

    /// Reads a key with `read`, or waits for who reads it already.
    pub(super) async fn load(
        self: &Arc<Self>,
        key: &EncodedKey,
        read: impl FnOnce() -> BoxFuture<'static, Result<Kept>>,
    ) -> Result<Kept> {
        self.counters.miss(1);
        let load = {
            let mut loads = self.loads();
            if let Some(Loading { load: Some(load), .. }) = loads.get(key) {
                self.counters.share();
                load.clone()
            } else {
                let number = self.next_load.fetch_add(1, Ordering::Relaxed);
                let (cache, own_key, reading) = (Arc::downgrade(self), key.clone(), read());
                let load: BoxFuture<'static, _> = Box::pin(async move {
                    let row = reading.await;
                    if let Some(cache) = cache.upgrade() {
                        match &row {
                            Ok(row) => cache.keep(own_key, number, row.clone()),
                            Err(_) => cache.give_up(&own_key, number),
                        }
                    }
                    row.map_err(Arc::new)
                });
                let load = load.shared();
                loads.insert(key.clone(), Loading { number, load: Some(load.clone()) });
                load
            }
        };
        load.await
            .map_err(|error| Arc::try_unwrap(error).unwrap_or_else(|shared| shared.duplicate()))
    }

    /// Says that those keys are about to be read together.
    pub(super) fn begin(self: &Arc<Self>, keys: &[EncodedKey]) -> ManyLoads {
        let number = self.next_load.fetch_add(1, Ordering::Relaxed);
        let mut loads = self.loads();
        for key in keys {
            loads.entry(key.clone()).or_insert(Loading { number, load: None });
        }
        ManyLoads { cache: Arc::clone(self), number, keys: keys.to_vec() }
    }
}

/// Keys that are being read together. Dropped, they are no longer.
pub(super) struct ManyLoads {
    cache: Arc<RowCache>,
    number: u64,
    keys: Vec<EncodedKey>,
}

impl ManyLoads {
    pub(super) fn keep(mut self, rows: impl IntoIterator<Item = Kept>) {
        for (key, row) in self.keys.drain(..).zip(rows) {
            self.cache.keep(key, self.number, row);
        }
    }
}

impl Drop for ManyLoads {
    fn drop(&mut self) {
        self.keys.iter().for_each(|key| self.cache.give_up(key, self.number));
    }
}

/// Takes whole rows as values, each at its place.
pub(super) struct Rows {
    types: Arc<[ColumnType]>,
    rows: Vec<Kept>,
}

impl Rows {
    pub(super) fn sink(types: &Arc<[ColumnType]>, keys: usize) -> RowSink {
        Box::new(Self { types: Arc::clone(types), rows: vec![None; keys] })
    }

    pub(super) fn take(sink: RowSink) -> Result<Vec<Kept>> {
        Ok(unwrap::<Self>(sink)?.rows)
    }
}

impl RowReceiver for Rows {
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let read = |(column, &column_type)| codec::read_value(column_type, source, column);
        let row: Arc<[Value]> =
            self.types.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        if let Some(place) = self.rows.get_mut(position) {
            *place = Some(row);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Hands a row that is kept to a receiver.
pub(super) fn hand_over(
    position: usize,
    row: &Kept,
    rows: &mut dyn RowReceiver,
    name_of_column: impl Fn(usize) -> String,
) -> Result<ControlFlow<()>> {
    let Some(row) = row else { return Ok(ControlFlow::Continue(())) };
    rows.receive(position, &mut RowRef(row))
        .map_err(|error| Error::decode(name_of_column(error.column()), error.into_message()))
}
