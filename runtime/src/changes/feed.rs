//! The end of a log, read once for all who follow it.
//!
//! Those who keep up share what was read last: a ring of it, from which each takes at its own
//! pace. Who falls behind the ring reads the log by itself until it has caught up, so that nobody
//! waits for it and it loses nothing.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures::{FutureExt as _, future::Shared};
use tokio::sync::watch;

use super::{
    cursor::LogPosition,
    log::{ChangeLog, DynChangeLog, LogBatch, LoggedChange},
};
use crate::{definition::TableDef, error::Result, maybe_send::BoxFuture};

/// So many changes are read at a time.
pub(super) const BATCH: usize = 256;
/// So many are kept for those who keep up.
const RING: usize = 1_024;
/// After a read, a log is left alone for so many times as long as that took, though not for
/// longer than the second.
const REST: i64 = 8;
const LONGEST_REST: i64 = 5_000;
/// What is shorter is not worth a timer.
const SHORTEST_REST: i64 = 100;
/// A ring that nobody has read for so long is begun anew, instead of reading all that came since.
const STALE: i64 = 2_000;

/// The changes of one table, for all who follow them in this process.
pub struct ChangeFeed {
    log: Arc<dyn DynChangeLog>,
    ring: Mutex<Ring>,
}

/// What was read last.
#[derive(Default)]
struct Ring {
    /// The number of the first change in the ring, counted from when it was begun.
    first: u64,
    changes: VecDeque<Arc<LoggedChange>>,
    /// The place behind the last change; none before anything was read.
    end: Option<LogPosition>,
    /// Whether nothing came after that when it was read.
    is_last: bool,
    /// When that was known, in milliseconds.
    read_at: i64,
    /// Until when the log is left alone, in microseconds.
    rests_until: i64,
    /// How often the log was asked.
    asked: u64,
    /// The answer that is waited for. Whoever wants it drives it, so that nobody depends on
    /// another who has gone away.
    reading: Option<Shared<BoxFuture<'static, bool>>>,
}

/// What the ring has for somebody.
pub(super) enum Taken {
    /// Changes, and the number of the one after them.
    Changes(Vec<Arc<LoggedChange>>, u64),
    /// Nothing more; this is the place behind all of it, and whether it was the end of the log.
    End(LogPosition, bool),
    /// No longer what comes next.
    Dropped,
}

impl std::fmt::Debug for ChangeFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeFeed").field("table", &self.definition().name).finish_non_exhaustive()
    }
}

impl ChangeFeed {
    /// The feed of a log.
    pub fn new(log: impl ChangeLog) -> Self {
        Self { log: Arc::new(log), ring: Mutex::default() }
    }

    /// The table.
    pub fn definition(&self) -> &Arc<TableDef> {
        self.log.definition()
    }

    pub(crate) fn log(&self) -> &dyn DynChangeLog {
        &*self.log
    }

    pub(super) fn wake(&self) -> watch::Receiver<u64> {
        self.log.wake()
    }

    pub(super) fn poll_interval(&self) -> Duration {
        self.log.poll_interval()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads on, so that the ring holds the end of what was committed when this was called, or
    /// more of what comes before it. Gives whether that went well.
    pub(super) async fn advance(self: &Arc<Self>) -> bool {
        let asked = self.ring().asked;
        loop {
            let (number, reading) = self.reading();
            let went_well = reading.await;
            // One that was under way may have missed what was committed since it began.
            if number > asked {
                return went_well;
            }
        }
    }

    /// Waits until the log has had a rest. Where changes come all the time, it would otherwise be
    /// read all the time, for a few of them each, which slows down those who write.
    pub(super) async fn rest(&self) {
        let rest = (self.ring().rests_until - microseconds()).min(LONGEST_REST);
        if rest >= SHORTEST_REST
            && let Ok(rest) = u64::try_from(rest)
        {
            futures_timer::Delay::new(Duration::from_micros(rest)).await;
        }
    }

    fn reading(self: &Arc<Self>) -> (u64, Shared<BoxFuture<'static, bool>>) {
        let mut ring = self.ring();
        if let Some(reading) = &ring.reading {
            return (ring.asked, reading.clone());
        }
        ring.asked += 1;
        let (number, after, log) = (ring.asked, ring.end.clone(), Arc::clone(&self.log));
        // Not the feed itself: who drops it must not have to wait for this.
        let feed = Arc::downgrade(self);
        let reading: BoxFuture<'static, bool> = Box::pin(async move {
            let began = microseconds();
            let read = if let Some(after) = after {
                log.read(after, None, BATCH).await
            } else {
                let now = log.now().await;
                now.map(|end| LogBatch { changes: Vec::new(), end, is_last: true })
            };
            feed.upgrade().is_some_and(|feed| feed.ring().add(read, began))
        });
        let reading = reading.shared();
        ring.reading = Some(reading.clone());
        (number, reading)
    }

    /// The number of the next change, and the place before it, once the ring has come to the end.
    /// `from` is the place of somebody who has just read everything.
    pub(super) async fn join(self: &Arc<Self>, from: &LogPosition) -> Option<(LogPosition, u64)> {
        self.ring().renew(from);
        loop {
            if !self.advance().await {
                return None;
            }
            let ring = self.ring();
            if ring.is_last
                && let Some(end) = &ring.end
            {
                return Some((end.clone(), ring.next()));
            }
        }
    }

    /// What comes from number `next` on.
    pub(super) fn take(&self, next: u64) -> Taken {
        let ring = self.ring();
        let Some(skip) = next.checked_sub(ring.first) else { return Taken::Dropped };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let changes: Vec<_> = ring.changes.iter().skip(skip).take(BATCH).cloned().collect();
        match &ring.end {
            None => Taken::Dropped,
            Some(end) if changes.is_empty() => Taken::End(end.clone(), ring.is_last),
            Some(_) => {
                let after = next + changes.len() as u64;
                Taken::Changes(changes, after)
            }
        }
    }
}

/// Microseconds since 1970.
fn microseconds() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

impl Ring {
    fn next(&self) -> u64 {
        self.first + self.changes.len() as u64
    }

    /// Begins anew at `from`, where the ring has not been read for long.
    fn renew(&mut self, from: &LogPosition) {
        let now = microseconds() / 1_000;
        if self.reading.is_none() && (self.end.is_none() || now - self.read_at > STALE) {
            self.first = self.next() + 1;
            self.changes.clear();
            self.end = Some(from.clone());
            self.is_last = true;
            self.read_at = now;
        }
    }

    fn add(&mut self, read: Result<LogBatch>, began: i64) -> bool {
        self.reading = None;
        let now = microseconds();
        self.rests_until = now + ((now - began) * REST).clamp(0, LONGEST_REST);
        let LogBatch { changes, end, is_last } = match read {
            Ok(batch) => batch,
            Err(error) => {
                tracing::debug!(target: "storehouse::changes", %error, "the log cannot be read");
                // Each finds out by itself what is wrong, and begins again from its own place.
                self.first = self.next() + 1;
                self.changes.clear();
                self.end = None;
                return false;
            }
        };
        self.changes.extend(changes.into_iter().map(Arc::new));
        self.end = Some(end);
        self.is_last = is_last;
        self.read_at = now / 1_000;
        let surplus = self.changes.len().saturating_sub(RING);
        self.changes.drain(..surplus);
        self.first += surplus as u64;
        true
    }
}

/// Where a backend keeps the feed of a table, so that all share it as long as somebody uses it.
#[derive(Debug, Default)]
pub struct FeedSlot(Mutex<Weak<ChangeFeed>>);

impl FeedSlot {
    /// The feed that is in use, or one of the log that `make` makes.
    pub fn get_or<L: ChangeLog>(&self, make: impl FnOnce() -> L) -> Arc<ChangeFeed> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = slot.upgrade() {
            return feed;
        }
        let feed = Arc::new(ChangeFeed::new(make()));
        *slot = Arc::downgrade(&feed);
        feed
    }
}
