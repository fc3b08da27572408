//! The log of a key-value store's changes: each write through Storehouse adds what it did, in one
//! commit with it. Nothing is in memory to compare files with, so what somebody changes past
//! Storehouse is not in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use storehouse_runtime::{ChangeLog, EncodedRow, LogBatch, LogPosition, Result, TableDef, Value};
use tokio::sync::watch as signal;

use super::{KvFolder, form::Entry};
use crate::{
    changes::{End, Happened, Look, Watch},
    folder::{Access, Edit, Held},
};

/// What a write did, where that is logged.
pub(super) struct Logging {
    end: Option<End>,
    happened: Vec<Happened>,
}

impl Logging {
    pub(super) fn note(&mut self, old: Option<&Entry>, new: Option<&Entry>) {
        self.note_at(self.happened.len(), old, new);
    }

    /// In the place of what was noted there, if anything was.
    pub(super) fn note_at(&mut self, position: usize, old: Option<&Entry>, new: Option<&Entry>) {
        if self.end.is_none() {
            return;
        }
        let happened = Happened { old: old.map(row), new: new.map(row) };
        match self.happened.get_mut(position) {
            Some(noted) => *noted = happened,
            None => self.happened.push(happened),
        }
    }
}

fn row(entry: &Entry) -> EncodedRow {
    let mut row = entry.key.values().to_vec();
    row.push(entry.value.clone());
    row.push(entry.expires_at.map_or(Value::Null, Value::DateTime));
    // Nothing here needs a revision.
    row.push(Value::Int(0));
    EncodedRow(row)
}

impl KvFolder {
    /// The end of the log, if there is one. Raw files have none.
    fn end_of_log(&self, held: &Held) -> Result<Option<End>> {
        let caught_up = self.changes.catch_up(&self.folder, held, drop)?;
        Ok(caught_up.map(|(end, _)| end))
    }

    /// Begins to note what a write does.
    pub(super) fn begin_log(&self, held: &Held) -> Result<Logging> {
        Ok(Logging { end: self.end_of_log(held)?, happened: Vec::new() })
    }

    /// Does the edits, and logs what happened.
    pub(super) fn commit(&self, held: &Held, mut edits: Vec<Edit>, log: Logging) -> Result<()> {
        let Some(end) = log.end.filter(|_| !log.happened.is_empty()) else {
            return self.folder.commit(held, edits).map(drop);
        };
        let (edit, end) = self.changes.edit(end, log.happened);
        edits.push(edit);
        self.folder.commit(held, edits)?;
        self.changes.added(&self.folder, held, end);
        Ok(())
    }

    /// Removes the log of changes, if there is one.
    pub(super) async fn remove_change_log(self: &Arc<Self>) -> Result<()> {
        let job = |store: &Self, held: &Held| store.changes.remove(&store.folder, held);
        self.locked(Access::Exclusive, job).await
    }
}

/// The log of a store, as those who follow it see it.
pub(super) struct KvLog {
    store: Arc<KvFolder>,
    watch: Option<Arc<Watch>>,
}

impl KvLog {
    pub(super) fn new(store: &Arc<KvFolder>) -> Self {
        let looked_at = Arc::downgrade(store);
        let woken = Arc::downgrade(store);
        let last = AtomicU64::new(store.folder.generation());
        let look = move || {
            let Some(store) = looked_at.upgrade() else { return Look::Gone };
            let generation = store.folder.generation();
            if last.swap(generation, Ordering::Relaxed) == generation {
                Look::Quiet
            } else {
                Look::News
            }
        };
        let wake = move || woken.upgrade().iter().for_each(|store| store.changes.wake());
        let watch = store.changes.watch.get_or(look, wake);
        Self { store: Arc::clone(store), watch }
    }

    async fn with<R: Send + 'static>(
        &self,
        job: impl FnOnce(&KvFolder, &Held, End) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let run = move |store: &KvFolder, held: &Held| match store.end_of_log(held)? {
            Some(end) => job(store, held, end),
            None => Err(store.changes.missing()),
        };
        self.store.locked(Access::Shared, run).await
    }
}

impl ChangeLog for KvLog {
    fn definition(&self) -> &Arc<TableDef> {
        self.store.changes.definition()
    }

    async fn now(&self) -> Result<LogPosition> {
        self.with(|_, _, end| Ok(end.position())).await
    }

    async fn snapshot(&self) -> Result<(Vec<EncodedRow>, LogPosition)> {
        let read = |store: &KvFolder, held: &Held, end: End| {
            let mut rows = Vec::new();
            for key in store.keys(held)?.into_keys() {
                rows.extend(store.entry(&key, Some(held))?.as_ref().map(row));
            }
            Ok((rows, end.position()))
        };
        self.with(read).await
    }

    async fn read(
        &self,
        after: LogPosition,
        until: Option<LogPosition>,
        limit: usize,
    ) -> Result<LogBatch> {
        self.with(move |store, held, end| {
            store.changes.read_on(&store.folder, held, end, &after, until, limit)
        })
        .await
    }

    fn wake(&self) -> signal::Receiver<u64> {
        self.store.changes.subscribe()
    }

    fn poll_interval(&self) -> Duration {
        Watch::poll_interval(self.watch.as_deref())
    }
}
