//! One table in a folder: its rows in memory for reading, its files for keeping.
//!
//! The rows are an image that is brought up to date before each read and each write. A write is
//! worked out on a copy of it; the rows that differ are the files that change. A worker does all of
//! that, one thing after the other. Where nothing has changed, a read is answered where it is
//! asked, from the image as it is.

mod log;
mod mirror;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use serde_json::{Value as Json, json};
use storehouse_runtime::{
    EncodedKey, Result, TableDef, Value,
    memory::{RowDifference, TableImage},
};

use self::{
    log::{Logged, Unlogged},
    mirror::Mirror,
};
use crate::{
    changes::{self, ChangeFiles, End, Happened},
    codec, definition, error,
    folder::{Access, Committed, Edit, Folder, Held, read},
    options::{FolderOptions, Noticing},
    watch::{Notice, file_name},
    worker::Worker,
};

/// Where the greatest generated key is kept that no row has any more.
const IDS: &str = "ids.json";

/// A table in a folder.
pub(crate) struct FolderTable {
    pub(crate) definition: Arc<TableDef>,
    pub(crate) folder: Folder,
    worker: Worker,
    noticing: Noticing,
    /// What the definition of the folder has to be.
    wanted: Json,
    /// What the worker knows. Nobody else locks it for long.
    mirror: Mutex<Option<Mirror>>,
    /// The greatest generated key that this process knows of, whatever becomes of the mirror.
    greatest_id: AtomicI64,
    /// What readers see.
    published: RwLock<Option<Published>>,
    pub(crate) changes: ChangeFiles,
    /// The rows as the log of changes has left them, where there is one.
    logged: Mutex<Option<Logged>>,
}

/// What readers see: rows as they were at one moment.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) image: TableImage,
    /// The files that are no rows, and why.
    unusable: Arc<BTreeMap<String, String>>,
    notice: Arc<Notice>,
}

impl FolderTable {
    pub(crate) fn new(definition: Arc<TableDef>, path: PathBuf, options: &FolderOptions) -> Self {
        let folder = Folder::new(&definition.full_name(), path, options);
        let wanted = definition::of_table(&definition);
        let changes = ChangeFiles::new(Arc::clone(&definition), options.change_retention);
        Self {
            definition,
            folder,
            worker: Worker::new(),
            noticing: options.noticing,
            wanted,
            mirror: Mutex::default(),
            greatest_id: AtomicI64::new(0),
            published: RwLock::default(),
            changes,
            logged: Mutex::default(),
        }
    }

    /// Whether its rows in memory serve handles of that definition too.
    pub(crate) fn is_for(&self, definition: &TableDef) -> bool {
        TableImage::new(Arc::clone(&self.definition)).check_same(definition).is_ok()
    }

    /// Makes the folder, or fails where it is there for something else.
    pub(crate) async fn set_up(self: &Arc<Self>, logs_changes: bool) -> Result<()> {
        let table = Arc::clone(self);
        self.worker
            .run(move || {
                table.folder.set_up(&table.wanted)?;
                let mut held = table.folder.lock(Access::Shared)?;
                if logs_changes && !changes::is_begun(&table.folder)? {
                    drop(held);
                    held = table.folder.lock(Access::Exclusive)?;
                    changes::begin(&table.folder, &held)?;
                }
                let published = table.bring_up_to_date(&mut table.lock_mirror(), &held)?;
                // What is changed past Storehouse from now on is to be noticed.
                table.unlogged(&held, &published).map(drop)
            })
            .await
    }

    /// Removes the log of changes, if there is one.
    pub(crate) async fn remove_change_log(self: &Arc<Self>) -> Result<()> {
        let table = Arc::clone(self);
        self.worker
            .run(move || {
                let held = table.folder.lock(Access::Exclusive)?;
                table.changes.remove(&table.folder, &held)
            })
            .await
    }

    /// The rows as they are now, with every write that was done before.
    pub(crate) async fn read(self: &Arc<Self>) -> Result<Published> {
        let published = self.published.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(published) = published
            && published.notice.is_quiet(&self.folder)
        {
            return Ok(published);
        }
        let table = Arc::clone(self);
        self.worker
            .run(move || {
                let held = table.folder.lock(Access::Shared)?;
                let published = table.bring_up_to_date(&mut table.lock_mirror(), &held);
                // Nothing shows any more that there was something for those who follow.
                table.changes.wake();
                published
            })
            .await
    }

    /// Works out a write on a copy of the rows, and stores what it changed. `needs` fails where a
    /// file that is no row is in the way.
    pub(crate) async fn change<R: Send + 'static>(
        self: &Arc<Self>,
        needs: impl FnOnce(&Published, &FolderTable) -> Result<()> + Send + 'static,
        change: impl FnOnce(&mut TableImage) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let table = Arc::clone(self);
        self.worker
            .run(move || {
                let held = table.folder.lock(Access::Exclusive)?;
                let mut mirror = table.lock_mirror();
                let mut before = table.bring_up_to_date(&mut mirror, &held)?;
                needs(&before, &table)?;
                if table.definition.auto_integer().is_some() {
                    let stored = table.stored_id()?;
                    before.image.note_id(stored);
                    mirror.iter_mut().for_each(|mirror| mirror.stored_id = stored);
                }
                let mut after = before.image.clone();
                let answer = change(&mut after)?;
                let stored = table.store(&mut mirror, &held, &before, after);
                // The events of one's own writes are in the queue; they tell nothing new.
                let is_seen = matches!(stored, Ok(true))
                    && mirror.as_mut().is_some_and(|mirror| table.see_own(mirror, &held));
                if !is_seen {
                    // What is in place is seen by looking again.
                    table.forget(&mut mirror);
                }
                stored.map(|_| answer)
            })
            .await
    }

    fn lock_mirror(&self) -> MutexGuard<'_, Option<Mirror>> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, mirror: &mut Option<Mirror>) {
        *mirror = None;
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Reads what has changed since the last time, and lets readers see it.
    fn bring_up_to_date(&self, mirror: &mut Option<Mirror>, held: &Held) -> Result<Published> {
        let updated = match mirror {
            Some(mirror) => mirror.update(&self.folder, held),
            None => Ok(false),
        };
        if !matches!(updated, Ok(true)) {
            // After an error too: what was told to have changed is not told again.
            self.forget(mirror);
            updated?;
            self.folder.check(&self.wanted)?;
            // Noticed from before the files are read.
            let notice = Notice::begin(&self.folder, self.noticing);
            let mut new = Mirror::new(&self.definition, notice);
            new.lost_id = self.greatest_id.load(Ordering::Relaxed);
            new.image.note_id(new.lost_id);
            new.read_all(&self.folder, held)?;
            *mirror = Some(new);
        }
        let Some(mirror) = mirror else {
            return Err(error::not_set_up(&self.folder.name, &self.folder.path));
        };
        Ok(self.publish(mirror))
    }

    fn publish(&self, mirror: &Mirror) -> Published {
        self.greatest_id.fetch_max(mirror.image.last_id(), Ordering::Relaxed);
        let published = Published {
            image: mirror.image.clone(),
            unusable: Arc::clone(&mirror.unusable),
            notice: Arc::clone(&mirror.notice),
        };
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Some(published.clone());
        if !mirror.has_failed {
            mirror.notice.done();
        }
        published
    }

    /// Writes the files of the rows that differ. Gives false where they are not in place yet.
    fn store(
        &self,
        mirror: &mut Option<Mirror>,
        held: &Held,
        before: &Published,
        after: TableImage,
    ) -> Result<bool> {
        let Some(mirror) = mirror else { return Ok(false) };
        let unlogged = self.unlogged(held, before)?;
        let differences = after.changes_since(&before.image);
        let mut edits = Vec::with_capacity(differences.len() + 2);
        let mut names = Vec::with_capacity(differences.len());
        for difference in &differences {
            let Some((edit, name)) = self.edit(difference) else { continue };
            if let Some(why) = before.unusable.get(&name) {
                return Err(error::unusable(&self.folder.at(&name), why));
            }
            edits.push(edit);
            names.push(name);
        }
        mirror.check_clashes(&self.folder, &after, &differences)?;
        if let Some(ids) = self.ids_to_store(mirror, &differences, after.last_id()) {
            if edits.len() == 1 && unlogged.is_none() {
                // The key is kept before the row goes, so that it is never free in between.
                self.folder.commit(held, vec![ids])?;
            } else {
                edits.push(ids);
            }
        }
        let logged = unlogged.map(|unlogged| self.to_log(unlogged, &differences, &mut edits));
        let Committed { stamps, is_in_place } = self.folder.commit(held, edits)?;
        for (name, (difference, stamp)) in names.into_iter().zip(differences.iter().zip(stamps)) {
            let key = difference.after().map(|row| self.key_of(row));
            mirror.note_written(name, key.zip(stamp));
        }
        mirror.image = after.clone();
        if let Some((unlogged, end)) = logged {
            self.has_logged(after, unlogged);
            self.changes.added(&self.folder, held, end);
        }
        Ok(is_in_place)
    }

    /// Adds the edit that logs what is written, and what somebody changed past Storehouse.
    fn to_log(
        &self,
        mut unlogged: Unlogged,
        differences: &[RowDifference],
        edits: &mut Vec<Edit>,
    ) -> (Unlogged, End) {
        let mut happened = std::mem::take(&mut unlogged.happened);
        let written = differences.iter();
        happened.extend(written.map(|of| Happened::new(of.before(), of.after())));
        if happened.is_empty() {
            let end = unlogged.end;
            return (unlogged, end);
        }
        let (edit, end) = self.changes.edit(unlogged.end, happened);
        edits.push(edit);
        (unlogged, end)
    }

    /// Lets readers see what was written. Gives false where the folder has to be read again.
    fn see_own(&self, mirror: &mut Mirror, held: &Held) -> bool {
        let is_seen =
            !mirror.notice.is_watched() || mirror.update(&self.folder, held).unwrap_or(false);
        if !is_seen {
            return false;
        }
        self.publish(mirror);
        true
    }

    /// What a row's difference means for its file.
    fn edit(&self, difference: &RowDifference) -> Option<(Edit, String)> {
        let row = difference.after().or(difference.before())?;
        let name = file_name(&self.key_of(row));
        let edit = match difference.after() {
            Some(row) => Edit::write(name.clone(), codec::write_row(&self.definition, row)),
            None => Edit::delete(name.clone()),
        };
        Some((edit, name))
    }

    pub(crate) fn key_of(&self, row: &[Value]) -> EncodedKey {
        key_of(&self.definition, row)
    }

    /// The greatest key that was given is that of a row, or is stored. Where a row goes that had a
    /// greater one than is stored, it is to be stored first.
    fn ids_to_store(
        &self,
        mirror: &Mirror,
        differences: &[RowDifference],
        last: i64,
    ) -> Option<Edit> {
        let auto = self.definition.auto_integer()?;
        let gone = differences.iter().filter(|difference| difference.after().is_none());
        let ids = gone.filter_map(|difference| match difference.before()?[auto] {
            Value::Int(id) => Some(id),
            _ => None,
        });
        if ids.chain([mirror.lost_id]).all(|id| id <= mirror.stored_id) {
            return None;
        }
        let mut text = serde_json::to_vec_pretty(&json!({ "greatest": last })).unwrap_or_default();
        text.push(b'\n');
        Some(Edit::write(Folder::own_place(IDS), text))
    }

    fn stored_id(&self) -> Result<i64> {
        let path = self.folder.own(IDS);
        let Some(text) = read(&path)? else { return Ok(0) };
        let ids: Json = serde_json::from_slice(&text).unwrap_or_default();
        let greatest = ids.get("greatest").and_then(Json::as_i64);
        greatest.ok_or_else(|| {
            error::unusable(&path, "it has to hold {\"greatest\": N}, the greatest key ever given")
        })
    }
}

fn key_of(definition: &TableDef, row: &[Value]) -> EncodedKey {
    definition.key.iter().map(|&column| row[column].clone()).collect()
}

impl Published {
    /// Fails where any file is no row, for what depends on every row.
    pub(crate) fn need_all(&self, table: &FolderTable) -> Result<()> {
        let Some((name, why)) = self.unusable.first_key_value() else { return Ok(()) };
        let others = self.unusable.len() - 1;
        let why = if others == 0 { why.clone() } else { format!("{why} (and {others} more)") };
        Err(error::unusable(&table.folder.at(name), &why))
    }

    /// Fails where the file that has the key's name is no row.
    pub(crate) fn need(&self, table: &FolderTable, key: &EncodedKey) -> Result<()> {
        if self.unusable.is_empty() {
            return Ok(());
        }
        let name = file_name(key);
        match self.unusable.get(&name) {
            Some(why) => Err(error::unusable(&table.folder.at(&name), why)),
            None => Ok(()),
        }
    }
}
