//! How a cache does.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How a [`Cached`](super::Cached) layer has done since it was made.
///
/// A `get` counts once, a `get_many` once for each of its keys; what happens inside transactions does
/// not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStatistics {
    /// Keys that were answered from memory.
    pub hits: u64,
    /// Keys that were not.
    pub misses: u64,
    /// Of the misses, those that waited for another's read of the same key.
    pub shared: u64,
    /// How often something was forgotten because it may have changed: single keys, and whole tables.
    pub invalidations: u64,
    /// How many rows, entries, and keys that are not there are in memory now, about.
    pub entries: u64,
}

impl CacheStatistics {
    /// The share of the keys that were answered from memory, between 0 and 1; 0 before the first.
    #[allow(clippy::cast_precision_loss, reason = "it is a share, of however many")]
    pub fn hit_ratio(&self) -> f64 {
        match self.hits + self.misses {
            0 => 0.0,
            all => self.hits as f64 / all as f64,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    shared: AtomicU64,
    invalidations: AtomicU64,
}

impl Counters {
    pub(super) fn hit(&self) {
        self.hits.fetch_add(1, Relaxed);
    }

    pub(super) fn miss(&self, keys: usize) {
        self.misses.fetch_add(keys as u64, Relaxed);
    }

    pub(super) fn share(&self) {
        self.shared.fetch_add(1, Relaxed);
    }

    pub(super) fn invalidate(&self) {
        self.invalidations.fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self, entries: u64) -> CacheStatistics {
        CacheStatistics {
            hits: self.hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            shared: self.shared.load(Relaxed),
            invalidations: self.invalidations.load(Relaxed),
            entries,
        }
    }
}
