//! A key-value store as one who works with it sees it: as it is, or, inside a transaction, with what
//! the transaction has changed laid over it.

use std::{collections::BTreeSet, iter, ops::Bound};

use imbl::OrdMap;

use super::{
    super::changes::Happened,
    table::{KEY, KvState, OrderedKey, StoredEntry, expiry_of, happened},
};
use crate::{
    kv::{KvScan, is_expired},
    value::Value,
};

/// What a transaction has changed. Cloning it, for a savepoint, takes a reference count.
#[derive(Clone, Default)]
pub(in super::super) struct Overlay {
    /// Whether what is below was deleted.
    is_cleared: bool,
    /// The entries as they are now; `None` for one that was deleted.
    changed: OrdMap<OrderedKey, Option<StoredEntry>>,
}

impl Overlay {
    /// Does to the store what the transaction did, and notes it where somebody asks for it.
    pub(in super::super) fn apply(self, state: &mut KvState, log: Option<&mut Vec<Happened>>) {
        let gone: Vec<OrderedKey> = if self.is_cleared {
            let keys = state.all().map(|entry| OrderedKey(entry[KEY].clone()));
            keys.filter(|key| !self.changed.contains_key(key)).collect()
        } else {
            Vec::new()
        };
        let mut direct = Writing::Direct { state, happened: log };
        for OrderedKey(key) in gone {
            direct.remove(&key);
        }
        for (OrderedKey(key), entry) in self.changed {
            match entry {
                Some(entry) => direct.set(entry),
                None => direct.remove(&key),
            }
        }
    }
}

/// A store to be read.
#[derive(Clone, Copy)]
pub(in super::super) struct View<'a> {
    pub(in super::super) state: &'a KvState,
    pub(in super::super) overlay: Option<&'a Overlay>,
}

impl<'a> View<'a> {
    pub(super) fn get(self, key: &Value) -> Option<&'a StoredEntry> {
        let Some(overlay) = self.overlay else { return self.state.get(key) };
        match overlay.changed.get(&OrderedKey(key.clone())) {
            Some(changed) => changed.as_ref(),
            None if overlay.is_cleared => None,
            None => self.state.get(key),
        }
    }

    /// The entry, unless it has expired.
    pub(super) fn live(self, key: &Value, now: i64) -> Option<&'a StoredEntry> {
        self.get(key).filter(|entry| !is_expired(expiry_of(entry), now))
    }

    /// Every entry from that key on, in the order of the keys.
    fn range(self, from: Bound<OrderedKey>) -> impl Iterator<Item = &'a StoredEntry> {
        let is_below = self.overlay.is_none_or(|overlay| !overlay.is_cleared);
        let below = is_below.then(|| self.state.range(from.clone())).into_iter().flatten();
        let mut below = below
            .filter(move |(key, _)| {
                self.overlay.is_none_or(|overlay| !overlay.changed.contains_key(*key))
            })
            .peekable();
        let own = self.overlay.map(|overlay| overlay.changed.range((from, Bound::Unbounded)));
        let own = own.into_iter().flatten();
        let mut own = own.filter_map(|(key, entry)| Some((key, entry.as_ref()?))).peekable();
        iter::from_fn(move || {
            let is_own = match (below.peek(), own.peek()) {
                (Some((below, _)), Some((own, _))) => own < below,
                (below, _) => below.is_none(),
            };
            let next = if is_own { own.next() } else { below.next() };
            next.map(|(_, entry)| entry)
        })
    }

    /// The entries that a scan finds.
    pub(super) fn scan(self, scan: &KvScan, now: i64) -> Vec<StoredEntry> {
        let prefix = scan.prefix.as_deref().unwrap_or_default();
        let after = scan.after.as_ref().and_then(|key| key.values().first()).cloned();
        let first = (!prefix.is_empty()).then(|| OrderedKey(Value::Text(prefix.to_owned())));
        let from = match (after.map(OrderedKey), first) {
            (Some(after), Some(first)) if after < first => Bound::Included(first),
            (Some(after), _) => Bound::Excluded(after),
            (None, Some(first)) => Bound::Included(first),
            (None, None) => Bound::Unbounded,
        };
        let begins_so = |entry: &&StoredEntry| match &entry[KEY] {
            Value::Text(key) => key.starts_with(prefix),
            _ => prefix.is_empty(),
        };
        let limit =
            scan.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let live = self
            .range(from)
            .take_while(begins_so)
            .filter(|entry| !is_expired(expiry_of(entry), now));
        live.take(limit).cloned().collect()
    }

    /// How many entries there are.
    pub(super) fn size(self, now: i64) -> usize {
        if self.overlay.is_none() {
            return self.state.len() - self.state.expired(now).count();
        }
        let live = |entry: &&StoredEntry| !is_expired(expiry_of(entry), now);
        self.range(Bound::Unbounded).filter(live).count()
    }
}

/// A store to be changed.
pub(in super::super) enum Writing<'a> {
    /// At once, with what happens noted where somebody asks for it.
    Direct { state: &'a mut KvState, happened: Option<&'a mut Vec<Happened>> },
    /// In a transaction.
    Inside { state: &'a KvState, overlay: &'a mut Overlay },
}

impl Writing<'_> {
    pub(super) fn view(&self) -> View<'_> {
        match self {
            Self::Direct { state, .. } => View { state, overlay: None },
            Self::Inside { state, overlay } => View { state, overlay: Some(overlay) },
        }
    }

    pub(super) fn set(&mut self, entry: StoredEntry) {
        match self {
            Self::Direct { state, happened: None } => drop(state.set(entry)),
            Self::Direct { state, happened: Some(log) } => {
                let old = state.set(StoredEntry::clone(&entry));
                log.push(happened(old.as_ref(), Some(&entry)));
            }
            Self::Inside { overlay, .. } => {
                overlay.changed.insert(OrderedKey(entry[KEY].clone()), Some(entry));
            }
        }
    }

    pub(super) fn remove(&mut self, key: &Value) {
        match self {
            Self::Direct { state, happened: log } => {
                let old = state.remove(key);
                if let (Some(log), Some(old)) = (log, old) {
                    log.push(happened(Some(&old), None));
                }
            }
            Self::Inside { overlay, .. } => {
                overlay.changed.insert(OrderedKey(key.clone()), None);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Direct { state, happened: log } => {
                if let Some(log) = log {
                    log.extend(state.all().map(|entry| happened(Some(entry), None)));
                }
                state.clear();
            }
            Self::Inside { overlay, .. } => {
                **overlay = Overlay { is_cleared: true, changed: OrdMap::new() };
            }
        }
    }

    /// Removes what expires at `now` or before, and counts it.
    pub(super) fn purge(&mut self, now: i64) -> u64 {
        let mut expired: BTreeSet<OrderedKey> = match self {
            Self::Inside { overlay, .. } if overlay.is_cleared => BTreeSet::new(),
            Self::Direct { state, .. } => state.expired(now).cloned().collect(),
            Self::Inside { state, .. } => state.expired(now).cloned().collect(),
        };
        if let Self::Inside { overlay, .. } = self {
            for (key, entry) in &overlay.changed {
                match entry {
                    Some(entry) if is_expired(expiry_of(entry), now) => {
                        expired.insert(key.clone());
                    }
                    _ => drop(expired.remove(key)),
                }
            }
        }
        for OrderedKey(key) in &expired {
            self.remove(key);
        }
        expired.len() as u64
    }
}
