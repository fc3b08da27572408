//! Counters that show how much is shared.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a backend did so far, to see what coalescing is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Reads by key that were asked for, each `get` and each `get_many`.
    pub reads: u64,
    /// Round trips in which they were answered.
    pub read_round_trips: u64,
    /// Single rows that were put or inserted.
    pub writes: u64,
    /// Statements, each with its own commit, in which they were stored.
    pub write_statements: u64,
    /// Connections that were opened.
    pub connections: u64,
}

/// The counters behind [`Statistics`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) reads: Counter,
    pub(crate) read_round_trips: Counter,
    pub(crate) writes: Counter,
    pub(crate) write_statements: Counter,
    pub(crate) connections: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, number: usize) {
        self.0.fetch_add(number as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn read(&self) -> Statistics {
        Statistics {
            reads: self.reads.get(),
            read_round_trips: self.read_round_trips.get(),
            writes: self.writes.get(),
            write_statements: self.write_statements.get(),
            connections: self.connections.get(),
        }
    }
}
