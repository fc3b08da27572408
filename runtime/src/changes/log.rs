//! What a backend's log of changes gives, and how long it keeps it.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use super::cursor::LogPosition;
use crate::{
    definition::TableDef,
    error::{Error, Result},
    maybe_send::{BoxFuture, MaybeSend, MaybeSync},
    storage::object_safe,
    value::EncodedRow,
};

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The row is new.
    Insert,
    /// The row has other values, or the same ones were written again.
    Update,
    /// The row is gone.
    Delete,
    /// Nothing happened: the row was there when the snapshot was taken.
    Current,
    /// Nothing happened: this ends the snapshot, and what follows has happened since.
    SnapshotEnd,
}

/// A change before it is given its type.
#[derive(Clone, Debug)]
pub struct LoggedChange {
    /// What happened: an insert, an update or a delete.
    pub kind: ChangeKind,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// The row as it was, unless it is new.
    pub old: Option<EncodedRow>,
    /// The row as it is, unless it is gone.
    pub new: Option<EncodedRow>,
    /// The place behind it.
    pub position: LogPosition,
}

/// A part of a log.
#[derive(Clone, Debug)]
pub struct LogBatch {
    /// The changes, in order.
    pub changes: Vec<LoggedChange>,
    /// The place behind all of them, and behind everything that was known not to be among them.
    pub end: LogPosition,
    /// Whether nothing more was there.
    pub is_last: bool,
}

/// The log of one table's changes, as its backend keeps it.
///
/// Reading it takes nothing away. Changes come in an order in which those of one key are as they
/// were committed, and a change that is committed later never comes before a place that was given
/// out already.
pub trait ChangeLog: MaybeSend + MaybeSync + 'static {
    /// The table.
    fn definition(&self) -> &Arc<TableDef>;

    /// The place behind everything that is committed.
    fn now(&self) -> impl Future<Output = Result<LogPosition>> + MaybeSend;

    /// Every row, and the place behind the changes that made them: both of one moment.
    fn snapshot(&self) -> impl Future<Output = Result<(Vec<EncodedRow>, LogPosition)>> + MaybeSend;

    /// So many changes behind a place at most; where `until` is given, only those before that.
    ///
    /// Fails with [`Error::Lagged`](crate::Error::Lagged) where they may not all be there any more,
    /// and when `after` is of another log.
    fn read(
        &self,
        after: LogPosition,
        until: Option<LogPosition>,
        limit: usize,
    ) -> impl Future<Output = Result<LogBatch>> + MaybeSend;

    /// Changes whenever there may be more to read.
    fn wake(&self) -> watch::Receiver<u64>;

    /// How long to wait at most before looking again without having been woken.
    fn poll_interval(&self) -> Duration;
}

object_safe! {
    /// [`ChangeLog`] as an object. Every `ChangeLog` is one.
    DynChangeLog for ChangeLog {
        fn definition(&self) -> &Arc<TableDef>;
        fn wake(&self) -> watch::Receiver<u64>;
        fn poll_interval(&self) -> Duration;
        async fn now(&self) -> Result<LogPosition>;
        async fn snapshot(&self) -> Result<(Vec<EncodedRow>, LogPosition)>;
        async fn read(&self, after: LogPosition, until: Option<LogPosition>, limit: usize) -> Result<LogBatch>;
    }
}

/// A backend has no changes.
pub(crate) fn unsupported(backend: &'static str) -> Error {
    Error::unsupported(
        "changes",
        backend,
        "use `events()` for what is done through this handle, or a backend with changes",
    )
}

/// A backend has no changes, so there is no log of them to remove.
pub(crate) fn no_log_to_remove(backend: &'static str) -> Error {
    Error::unsupported("remove_change_log", backend, "leave it out; there is no log")
}

/// How much of a table's changes its log keeps: what is older than `age` goes, and of what is
/// left all but the newest `changes`. Whoever has not read it by then gets
/// [`Error::Lagged`](crate::Error::Lagged).
///
/// ```
/// use std::time::Duration;
/// use storehouse::ChangeRetention;
///
/// let retention = ChangeRetention { age: Duration::from_hours(1), ..Default::default() };
/// assert_eq!(retention.changes, 1_000_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeRetention {
    /// Changes older than this may go; a day unless set.
    pub age: Duration,
    /// Only about so many are kept, however new; a million unless set.
    pub changes: u64,
}

impl Default for ChangeRetention {
    fn default() -> Self {
        Self { age: Duration::from_hours(24), changes: 1_000_000 }
    }
}

impl ChangeRetention {
    /// How often to look for what may go.
    pub fn interval(&self) -> Duration {
        (self.age / 16).clamp(Duration::from_millis(100), Duration::from_secs(30))
    }
}

/// Says when it is time to prune, to one at a time, however many ask.
#[derive(Debug, Default)]
pub struct PruneClock(AtomicI64);

impl PruneClock {
    /// Whether `interval` has passed since this last said so.
    pub fn is_due(&self, interval: Duration) -> bool {
        let now = chrono::Utc::now().timestamp_millis();
        let last = self.0.load(Ordering::Relaxed);
        let interval = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
        // A clock that was set back must not stop it for ever.
        (now - last >= interval || now < last)
            && self.0.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Says that there was more than could be pruned at once, so that it is time again.
    pub fn again(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_told_to_prune() {
        let clock = PruneClock::default();
        assert!(clock.is_due(Duration::from_hours(1)));
        assert!(!clock.is_due(Duration::from_hours(1)));
        assert!(clock.is_due(Duration::ZERO));
        clock.0.store(i64::MAX, Ordering::Relaxed);
        assert!(clock.is_due(Duration::from_hours(1)), "the clock was set back");
    }

    #[test]
    fn the_log_is_looked_at_often_enough_for_its_age() {
        let every = |age| ChangeRetention { age, changes: 1 }.interval();
        assert_eq!(every(Duration::from_hours(24)), Duration::from_secs(30));
        assert_eq!(every(Duration::from_secs(16)), Duration::from_secs(1));
        assert_eq!(every(Duration::ZERO), Duration::from_millis(100));
    }
}
