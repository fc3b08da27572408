//! The log of a table's changes: what is written through Storehouse is logged with the write, and
//! what somebody changed past it by the first who notices.
//!
//! To tell the two apart, the rows are kept as the log has left them. Those that differ from what is
//! in the files, and that no other process has logged meanwhile, were changed past Storehouse.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use storehouse_runtime::{EncodedKey, EncodedRow, Result, Value, memory::TableImage};

use super::{FolderTable, Mirror, Published};
use crate::{
    changes::{ChangeFiles, End, Followed, Happened, Look},
    codec,
    folder::{Access, Folder, Held},
    watch::file_name,
};

/// The rows as the log has left them.
pub(super) struct Logged {
    image: TableImage,
    /// Rows that are not as in the image: what others have logged since, and those whose files cannot
    /// be used for the moment, as they were before.
    but: BTreeMap<EncodedKey, Option<EncodedRow>>,
}

/// What somebody changed past Storehouse, and the end of the log before it.
pub(super) struct Unlogged {
    pub(super) end: End,
    pub(super) happened: Vec<Happened>,
    /// What is not logged yet, since it may be about to change: the rows as they were.
    waiting: BTreeMap<EncodedKey, Option<EncodedRow>>,
}

impl FolderTable {
    fn lock_logged(&self) -> MutexGuard<'_, Option<Logged>> {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has to be logged beside what is about to be written; `None` where there is no log.
    /// `now` are the rows as they are in the files.
    pub(super) fn unlogged(&self, held: &Held, now: &Published) -> Result<Option<Unlogged>> {
        let mut logged = self.lock_logged();
        let mut told = Vec::new();
        let mut tell = |happened| told.push(happened);
        let caught_up = self.changes.catch_up(&self.folder, held, Some(&mut tell))?;
        let Some((end, is_new)) = caught_up else {
            *logged = None;
            return Ok(None);
        };
        let mut unlogged = Unlogged { end, happened: Vec::new(), waiting: BTreeMap::new() };
        let Some(logged) = logged.as_mut().filter(|_| !is_new) else {
            // What was before cannot be known.
            *logged = Some(Logged { image: now.image.clone(), but: BTreeMap::new() });
            return Ok(Some(unlogged));
        };
        for Happened { old, new } in told {
            // An update keeps the key.
            if let Some(row) = new.as_ref().or(old.as_ref()) {
                logged.but.insert(self.key_of(&row.0), new);
            }
        }
        for difference in now.image.changes_since(&logged.image) {
            let (old, new) = (difference.before(), difference.after());
            let Some(key) = new.or(old).map(|row| self.key_of(row)) else { continue };
            if !logged.but.contains_key(&key) {
                self.note(&mut unlogged, now, key, old, new);
            }
        }
        for (key, old) in &logged.but {
            let (old, new) = (old.as_ref().map(|row| &row.0[..]), now.image.row(key));
            self.note(&mut unlogged, now, key.clone(), old, new);
        }
        Ok(Some(unlogged))
    }

    /// Notes what happened to a row, if anything did.
    fn note(
        &self,
        unlogged: &mut Unlogged,
        now: &Published,
        key: EncodedKey,
        old: Option<&[Value]>,
        new: Option<&[Value]>,
    ) {
        let is_same = match (old, new) {
            (None, None) => true,
            (Some(old), Some(new)) => {
                codec::write_row(&self.definition, old) == codec::write_row(&self.definition, new)
            }
            _ => false,
        };
        if is_same {
            return;
        }
        match old {
            // An editor may be about to write it.
            Some(old) if now.unusable.contains_key(&file_name(&key)) => {
                unlogged.waiting.insert(key, Some(EncodedRow(old.to_vec())));
            }
            _ => unlogged.happened.push(Happened::new(old, new)),
        }
    }

    /// Says that the log has come to the rows of `image`.
    pub(super) fn has_logged(&self, image: TableImage, unlogged: Unlogged) {
        *self.lock_logged() = Some(Logged { image, but: unlogged.waiting });
    }

    /// Brings the rows up to date, and the log. Gives both, and the lock under which they are so.
    fn follow(&self) -> Result<(Held, Published, End)> {
        let held = self.folder.lock(Access::Shared)?;
        let mut mirror = self.lock_mirror();
        let published = self.bring_up_to_date(&mut mirror, &held)?;
        let unlogged = self.unlogged(&held, &published)?.ok_or_else(|| self.changes.missing())?;
        if unlogged.happened.is_empty() {
            let end = unlogged.end;
            self.has_logged(published.image.clone(), unlogged);
            return Ok((held, published, end));
        }
        drop(held);
        if let Err(error) = self.log_edits(&mut mirror) {
            // Who may only read follows what others log. It is tried again at the next look.
            static WARNED: AtomicBool = AtomicBool::new(false);
            if !WARNED.swap(true, Ordering::Relaxed) {
                tracing::warn!(target: "storehouse::changes", %error, "edits cannot be logged");
            }
        }
        let held = self.folder.lock(Access::Shared)?;
        let published = self.bring_up_to_date(&mut mirror, &held)?;
        let unlogged = self.unlogged(&held, &published)?.ok_or_else(|| self.changes.missing())?;
        let end = unlogged.end;
        if unlogged.happened.is_empty() {
            self.has_logged(published.image.clone(), unlogged);
        }
        Ok((held, published, end))
    }

    /// Adds to the log what somebody changed past Storehouse.
    fn log_edits(&self, mirror: &mut Option<Mirror>) -> Result<()> {
        let held = self.folder.lock(Access::Exclusive)?;
        let published = self.bring_up_to_date(mirror, &held)?;
        let Some(mut unlogged) = self.unlogged(&held, &published)? else { return Ok(()) };
        let happened = std::mem::take(&mut unlogged.happened);
        if !happened.is_empty() {
            let (edit, end) = self.changes.edit(unlogged.end, happened);
            self.folder.commit(&held, vec![edit])?;
            self.changes.added(&self.folder, &held, end);
        }
        self.has_logged(published.image, unlogged);
        Ok(())
    }
}

impl Followed for FolderTable {
    type Rows = Published;

    fn folder(&self) -> &Folder {
        &self.folder
    }

    fn changes(&self) -> &ChangeFiles {
        &self.changes
    }

    fn look(&self, seen: &mut Option<u64>) -> Look {
        let published = self.published.read().unwrap_or_else(PoisonError::into_inner);
        let notice = published.as_ref().map(|published| Arc::clone(&published.notice));
        drop(published);
        if notice.is_some_and(|notice| notice.is_quiet(&self.folder)) {
            return Look::Quiet;
        }
        let generation = self.folder.generation();
        if seen.replace(generation) == Some(generation) { Look::Unread } else { Look::News }
    }

    async fn at_end<R: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Self, &Held, Published, End) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let table = Arc::clone(self);
        let run = move || {
            let (held, published, end) = table.follow()?;
            job(&table, &held, published, end)
        };
        self.worker.run(run).await
    }

    fn all(&self, _held: &Held, rows: Published) -> Result<Vec<EncodedRow>> {
        rows.need_all(self)?;
        Ok(rows.image.rows().map(|row| EncodedRow(row.to_vec())).collect())
    }
}
