//! What a key-value store in memory holds: a hash map from keys to entries, and beside it the keys in
//! order. A put over what is there, which is most puts, touches the map alone.

use std::{
    cmp::Ordering,
    collections::BTreeSet,
    hash::BuildHasher as _,
    ops::Bound,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use hashbrown::{DefaultHashBuilder, HashTable, hash_table};

use super::super::{
    changes::{Happened, Log},
    table::StoredRow,
};
use crate::{
    error::{Error, Result},
    kv::KvDef,
    value::Value,
};

/// An entry as it is stored: its key, its value, and when it expires, in the columns of
/// [`KvDef::table`].
pub(in super::super) type StoredEntry = Arc<[Value; 3]>;

pub(super) const KEY: usize = 0;
pub(super) const VALUE: usize = 1;
pub(super) const EXPIRES_AT: usize = 2;

/// When an entry expires.
pub(super) fn expiry_of(entry: &StoredEntry) -> Option<i64> {
    match entry[EXPIRES_AT] {
        Value::DateTime(expires_at) => Some(expires_at),
        _ => None,
    }
}

/// A key, in the order of keys.
#[derive(Clone, Debug)]
pub(in super::super) struct OrderedKey(pub(super) Value);

impl Ord for OrderedKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.compare(&other.0)
    }
}

impl PartialOrd for OrderedKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for OrderedKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for OrderedKey {}

/// One key-value store, and its state behind a lock that is never held for long.
pub(in super::super) struct KvTable {
    pub(in super::super) definition: Arc<KvDef>,
    pub(in super::super) log: Log,
    state: RwLock<KvState>,
}

/// What a store holds.
#[derive(Default)]
pub(in super::super) struct KvState {
    /// Whether `setup_database` was called.
    ready: bool,
    hasher: DefaultHashBuilder,
    entries: HashTable<StoredEntry>,
    keys: BTreeSet<OrderedKey>,
    /// The keys of the entries that expire, by when they do.
    expiring: BTreeSet<(i64, OrderedKey)>,
    /// What was touched since somebody asked, while somebody does.
    #[cfg(any(target_family = "wasm", test))]
    pub(super) touched: Option<super::Touched>,
}

impl KvTable {
    pub(in super::super) fn new(definition: Arc<KvDef>) -> Self {
        Self { definition, log: Log::default(), state: RwLock::default() }
    }

    /// Fails when `definition` is of other keys or values.
    pub(in super::super) fn check_same(&self, definition: &KvDef) -> Result<()> {
        let types = |definition: &KvDef| (definition.key_type(), definition.value_type());
        if types(&self.definition) == types(definition) {
            return Ok(());
        }
        Err(Error::schema(format!(
            "the store has key-value entries `{}` with keys of {:?} and values of {:?}; open them as \
             those, or give one of the two another name",
            definition.name(),
            self.definition.key_type(),
            self.definition.value_type()
        )))
    }

    /// The state as it is now; fails before `setup_database`.
    pub(in super::super) fn read(&self) -> Result<RwLockReadGuard<'_, KvState>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.ready { Ok(state) } else { Err(self.not_set_up()) }
    }

    /// The state, to be changed; fails before `setup_database`.
    pub(in super::super) fn write(&self) -> Result<RwLockWriteGuard<'_, KvState>> {
        let state = self.lock();
        if state.ready { Ok(state) } else { Err(self.not_set_up()) }
    }

    /// The state, to be changed, also before `setup_database`.
    pub(in super::super) fn lock(&self) -> RwLockWriteGuard<'_, KvState> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn not_set_up(&self) -> Error {
        Error::no_table(self.definition.name())
    }
}

impl KvState {
    pub(in super::super) const fn make_ready(&mut self) {
        self.ready = true;
    }

    #[cfg(any(target_family = "wasm", test))]
    pub(super) const fn make_unready(&mut self) {
        self.ready = false;
    }

    #[cfg(any(target_family = "wasm", test))]
    pub(in super::super) const fn is_ready(&self) -> bool {
        self.ready
    }

    pub(in super::super) fn get(&self, key: &Value) -> Option<&StoredEntry> {
        let hash = self.hasher.hash_one(key);
        self.entries.find(hash, |entry| entry[KEY].compare(key).is_eq())
    }

    /// Stores an entry, and gives what was there.
    pub(super) fn set(&mut self, entry: StoredEntry) -> Option<StoredEntry> {
        self.touch(&entry[KEY]);
        let Self { hasher, entries, keys, expiring, .. } = self;
        let key = &entry[KEY];
        let expires_at = expiry_of(&entry);
        let hash = hasher.hash_one(key);
        let is_it = |other: &StoredEntry| other[KEY].compare(key).is_eq();
        let hash_of = |other: &StoredEntry| hasher.hash_one(&other[KEY]);
        let ordered = || OrderedKey(key.clone());
        match entries.entry(hash, is_it, hash_of) {
            hash_table::Entry::Occupied(mut occupied) => {
                let before = expiry_of(occupied.get());
                if before != expires_at {
                    before.map(|at| expiring.remove(&(at, ordered())));
                    expires_at.map(|at| expiring.insert((at, ordered())));
                }
                Some(std::mem::replace(occupied.get_mut(), entry))
            }
            hash_table::Entry::Vacant(vacant) => {
                keys.insert(ordered());
                expires_at.map(|at| expiring.insert((at, ordered())));
                vacant.insert(entry);
                None
            }
        }
    }

    pub(super) fn remove(&mut self, key: &Value) -> Option<StoredEntry> {
        let hash = self.hasher.hash_one(key);
        let is_it = |entry: &StoredEntry| entry[KEY].compare(key).is_eq();
        let (entry, _) = self.entries.find_entry(hash, is_it).ok()?.remove();
        self.touch(key);
        let key = OrderedKey(key.clone());
        self.keys.remove(&key);
        expiry_of(&entry).map(|at| self.expiring.remove(&(at, key)));
        Some(entry)
    }

    pub(super) fn clear(&mut self) {
        self.touch_all();
        self.entries.clear();
        self.keys.clear();
        self.expiring.clear();
    }

    /// Every entry from that key on, in the order of the keys.
    pub(super) fn range(
        &self,
        from: Bound<OrderedKey>,
    ) -> impl Iterator<Item = (&OrderedKey, &StoredEntry)> {
        let keys = self.keys.range((from, Bound::Unbounded));
        keys.filter_map(|key| Some((key, self.get(&key.0)?)))
    }

    /// Every entry, in the order of the keys.
    pub(in super::super) fn all(&self) -> impl Iterator<Item = &StoredEntry> {
        self.range(Bound::Unbounded).map(|(_, entry)| entry)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The keys of what expires at `now` or before.
    pub(super) fn expired(&self, now: i64) -> impl Iterator<Item = &OrderedKey> {
        let expired = self.expiring.iter().take_while(move |(at, _)| *at <= now);
        expired.map(|(_, key)| key)
    }
}

/// An entry as a row of [`KvDef::table`]. Nothing here needs a revision, so it is always 0.
pub(in super::super) fn row_of(entry: &StoredEntry) -> StoredRow {
    let [key, value, expires_at] = &**entry;
    vec![key.clone(), value.clone(), expires_at.clone(), Value::Int(0)].into()
}

/// What happened to an entry, for the log.
pub(super) fn happened(old: Option<&StoredEntry>, new: Option<&StoredEntry>) -> Happened {
    Happened::new(old.map(row_of), new.map(row_of))
}
