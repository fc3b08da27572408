//! The log of a table's changes: the last ones, in memory, each with its number.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::Utc;
use imbl::ordmap::DiffItem;
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    kv::{self, KvTable},
    table::{State, StoredRow, Table},
};
use crate::{
    changes::{
        ChangeCursor, ChangeFeed, ChangeKind, ChangeLog, ChangeRetention, FeedSlot, LogBatch,
        LogPosition, LoggedChange,
    },
    definition::TableDef,
    error::{Error, Result},
    value::EncodedRow,
};

/// Nobody but this process writes, and it wakes those who wait; this is for what went wrong.
const POLL: Duration = Duration::from_secs(1);

/// So many changes are kept unless told otherwise. They are rows in memory.
pub(super) const RETENTION: ChangeRetention =
    ChangeRetention { age: Duration::from_hours(24), changes: 10_000 };

/// What happened to one row.
pub(super) struct Happened {
    old: Option<StoredRow>,
    new: Option<StoredRow>,
}

impl Happened {
    pub(super) const fn new(old: Option<StoredRow>, new: Option<StoredRow>) -> Self {
        Self { old, new }
    }
}

/// The last changes of a table.
pub(super) struct Log {
    is_on: AtomicBool,
    kept: Mutex<Kept>,
    wake: watch::Sender<u64>,
    feed: FeedSlot,
}

struct Kept {
    log: Uuid,
    retention: ChangeRetention,
    /// The number of the last change that is gone.
    gone: u64,
    entries: VecDeque<(i64, Happened)>,
}

impl Default for Log {
    fn default() -> Self {
        let kept = Kept::new(RETENTION);
        let (wake, _) = watch::channel(0);
        Self {
            is_on: AtomicBool::new(false),
            kept: Mutex::new(kept),
            wake,
            feed: FeedSlot::default(),
        }
    }
}

impl Kept {
    fn new(retention: ChangeRetention) -> Self {
        Self { log: Uuid::new_v4(), retention, gone: 0, entries: VecDeque::new() }
    }

    fn position(&self, id: u64) -> LogPosition {
        LogPosition { log: self.log, id, detail: None }
    }

    fn last(&self) -> u64 {
        self.gone + self.entries.len() as u64
    }

    fn prune(&mut self, now: i64) {
        let age = i64::try_from(self.retention.age.as_micros()).unwrap_or(i64::MAX);
        let most = usize::try_from(self.retention.changes).unwrap_or(usize::MAX);
        while let Some((at, _)) = self.entries.front()
            && (self.entries.len() > most || now.saturating_sub(*at) > age)
        {
            self.entries.pop_front();
            self.gone += 1;
        }
    }
}

impl Log {
    /// Whether changes have to be recorded.
    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Begins to record, unless that has begun; called while the table is locked.
    pub(super) fn switch_on(&self, retention: ChangeRetention) {
        self.kept().retention = retention;
        self.is_on.store(true, Ordering::Relaxed);
    }

    /// Ends recording, and forgets what was recorded; called while the table is locked.
    pub(super) fn switch_off(&self) {
        self.is_on.store(false, Ordering::Relaxed);
        let mut kept = self.kept();
        *kept = Kept::new(kept.retention);
        drop(kept);
        self.wake();
    }

    /// Adds what happened; called while the table is locked, so that the order is that of the
    /// commits.
    pub(super) fn record(&self, happened: impl IntoIterator<Item = Happened>) {
        let now = Utc::now().timestamp_micros();
        let mut kept = self.kept();
        let before = kept.last();
        kept.entries.extend(happened.into_iter().map(|happened| (now, happened)));
        let is_new = kept.last() > before;
        kept.prune(now);
        drop(kept);
        if is_new {
            self.wake();
        }
    }

    fn wake(&self) {
        self.wake.send_modify(|woken| *woken = woken.wrapping_add(1));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happened between two states of a table.
pub(super) fn between(before: &State, after: &State) -> Vec<Happened> {
    let (Some(before), Some(after)) = (before.entries.first(), after.entries.first()) else {
        return Vec::new();
    };
    let happened = before.diff(after).map(|difference| match difference {
        DiffItem::Add(_, row) => Happened { old: None, new: Some(row.clone()) },
        DiffItem::Update { old: (_, old), new: (_, new) } => {
            Happened { old: Some(old.clone()), new: Some(new.clone()) }
        }
        DiffItem::Remove(_, row) => Happened { old: Some(row.clone()), new: None },
    });
    happened.collect()
}

/// What a log is of.
#[derive(Clone)]
pub(super) enum Logged {
    Table(Arc<Table>),
    Kv(Arc<KvTable>),
}

impl Logged {
    fn log(&self) -> &Log {
        match self {
            Self::Table(table) => &table.log,
            Self::Kv(table) => &table.log,
        }
    }

    fn definition(&self) -> &Arc<TableDef> {
        match self {
            Self::Table(table) => &table.definition,
            Self::Kv(table) => table.definition.table(),
        }
    }
}

/// The log of one table or key-value store, as those who follow it see it.
pub(super) struct MemoryLog(Logged);

/// The feed that all who follow the table share.
pub(super) fn feed(logged: Logged) -> Arc<ChangeFeed> {
    let of = logged.clone();
    of.log().feed.get_or(|| MemoryLog(logged))
}

impl MemoryLog {
    /// What is kept, where anything is.
    fn kept(&self) -> Result<MutexGuard<'_, Kept>> {
        if self.0.log().is_on() {
            Ok(self.0.log().kept())
        } else {
            Err(Error::no_change_log(&self.0.definition().full_name()))
        }
    }
}

impl ChangeLog for MemoryLog {
    fn definition(&self) -> &Arc<TableDef> {
        self.0.definition()
    }

    async fn now(&self) -> Result<LogPosition> {
        let kept = self.kept()?;
        Ok(kept.position(kept.last()))
    }

    async fn snapshot(&self) -> Result<(Vec<EncodedRow>, LogPosition)> {
        let position = || {
            let kept = self.kept()?;
            Ok(kept.position(kept.last()))
        };
        match &self.0 {
            Logged::Table(table) => {
                let state = table.read()?;
                let position = position()?;
                let rows = State::clone(&state);
                drop(state);
                let rows = rows.entries[0].values().map(|row| EncodedRow(row.to_vec())).collect();
                Ok((rows, position))
            }
            Logged::Kv(table) => {
                let state = table.read()?;
                let position = position()?;
                let rows: Vec<_> = state.all().cloned().collect();
                drop(state);
                let row = |entry| EncodedRow(kv::row_of(entry).to_vec());
                Ok((rows.iter().map(row).collect(), position))
            }
        }
    }

    async fn read(
        &self,
        after: LogPosition,
        until: Option<LogPosition>,
        limit: usize,
    ) -> Result<LogBatch> {
        let mut kept = self.kept()?;
        kept.prune(Utc::now().timestamp_micros());
        if after.log != kept.log || after.id < kept.gone || after.id > kept.last() {
            let oldest = kept.position(kept.gone);
            return Err(Error::lagged(ChangeCursor::oldest(self.0.definition(), oldest)));
        }
        let until = until.map_or(kept.last(), |until| until.id.min(kept.last()));
        let skip = usize::try_from(after.id - kept.gone).unwrap_or(usize::MAX);
        let count = usize::try_from(until.saturating_sub(after.id)).unwrap_or(usize::MAX);
        let entries = kept.entries.iter().skip(skip).take(count.min(limit));
        let changes: Vec<_> = (after.id + 1..)
            .zip(entries)
            .map(|(id, (at, happened))| happened.logged(*at, kept.position(id)))
            .collect();
        let end = after.id + changes.len() as u64;
        Ok(LogBatch { changes, end: kept.position(end), is_last: end >= until })
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.0.log().wake.subscribe()
    }

    fn poll_interval(&self) -> Duration {
        POLL
    }
}

impl Happened {
    fn logged(&self, at: i64, position: LogPosition) -> LoggedChange {
        let row = |row: &Option<StoredRow>| row.as_ref().map(|row| EncodedRow(row.to_vec()));
        let kind = match (&self.old, &self.new) {
            (None, _) => ChangeKind::Insert,
            (_, None) => ChangeKind::Delete,
            _ => ChangeKind::Update,
        };
        LoggedChange { kind, at, old: row(&self.old), new: row(&self.new), position }
    }
}
