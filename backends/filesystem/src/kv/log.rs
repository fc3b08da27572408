//! The log of a key-value store's changes: each write through Storehouse adds what it did, in one
//! commit with it. Nothing is in memory to compare files with, so what somebody changes past
//! Storehouse is not in it.

use std::sync::Arc;

use storehouse_runtime::{EncodedRow, Result, Value};

use super::{KvFolder, form::Entry};
use crate::{
    changes::{ChangeFiles, End, Followed, Happened, Look},
    folder::{Access, Edit, Folder, Held},
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
        let caught_up = self.changes.catch_up(&self.folder, held, None)?;
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

impl Followed for KvFolder {
    /// Nothing is in memory.
    type Rows = ();

    fn folder(&self) -> &Folder {
        &self.folder
    }

    fn changes(&self) -> &ChangeFiles {
        &self.changes
    }

    fn look(&self, seen: &mut Option<u64>) -> Look {
        let generation = self.folder.generation();
        if seen.replace(generation) == Some(generation) { Look::Quiet } else { Look::News }
    }

    async fn at_end<R: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Self, &Held, (), End) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let run = move |store: &Self, held: &Held| match store.end_of_log(held)? {
            Some(end) => job(store, held, (), end),
            None => Err(store.changes.missing()),
        };
        self.locked(Access::Shared, run).await
    }

    fn all(&self, held: &Held, (): ()) -> Result<Vec<EncodedRow>> {
        let mut rows = Vec::new();
        for key in self.keys(held)?.into_keys() {
            rows.extend(self.entry(&key, Some(held))?.as_ref().map(row));
        }
        Ok(rows)
    }
}
