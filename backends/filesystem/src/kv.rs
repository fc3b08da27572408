//! Key-value stores in a folder: a file for each key, nothing in memory.
//!
//! A read of one key reads one file where it is asked. Everything else is done by a worker under
//! the folder's lock. Whether a file holds an entry as JSON or the value's bytes is the form's.

mod direct;
mod form;
mod log;
mod marks;
mod scan;
mod storage;

use std::{
    fs, io,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value as Json;
use storehouse_runtime::{
    ColumnSource, EncodedKey, Result, RowSink, Value,
    codec::RowRef,
    kv::{KvDef, KvEntry},
};

pub(crate) use self::form::Form;
pub use self::storage::{FolderJsonKvStorage, FolderKvStorage};
use self::{direct::Direct, form::Entry};
use crate::{
    changes::{self, ChangeFiles},
    definition, error,
    folder::{Access, Edit, Folder, Held, Identity, read},
    options::{FolderOptions, Noticing},
    watch::JournalWatch,
    worker::Worker,
};

/// A key-value store in a folder.
pub(crate) struct KvFolder {
    definition: Arc<KvDef>,
    folder: Folder,
    form: Form,
    /// What the definition of the folder has to be.
    wanted: Json,
    worker: Worker,
    /// Whether the folder was found to be what it has to be.
    is_ready: AtomicBool,
    /// Which definition said so. That of another folder in the place of this one is checked too.
    checked: Mutex<Option<Identity>>,
    noticing: Noticing,
    journal: OnceLock<JournalWatch>,
    changes: ChangeFiles,
}

impl KvFolder {
    pub(crate) fn new(definition: Arc<KvDef>, form: Form, options: &FolderOptions) -> Self {
        let changes = ChangeFiles::new(Arc::clone(definition.table()), options.change_retention);
        Self {
            folder: Folder::new(definition.name(), options.path.clone(), options),
            wanted: definition::of_kv(&definition, form.kind()),
            definition,
            form,
            worker: Worker::new(),
            is_ready: AtomicBool::new(false),
            checked: Mutex::default(),
            noticing: options.noticing,
            journal: OnceLock::new(),
            changes,
        }
    }

    /// Whether it serves handles of that definition too.
    pub(crate) fn is_for(&self, definition: &KvDef, form: Form) -> bool {
        definition::of_kv(definition, form.kind()) == self.wanted
    }

    /// Runs a job on the worker, with the folder's lock.
    async fn locked<R: Send + 'static>(
        self: &Arc<Self>,
        access: Access,
        job: impl FnOnce(&Self, &Held) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let store = Arc::clone(self);
        self.worker
            .run(move || {
                store.check()?;
                let held = store.folder.lock(access)?;
                job(&store, &held)
            })
            .await
    }

    async fn set_up(self: &Arc<Self>, logs_changes: bool) -> Result<()> {
        let store = Arc::clone(self);
        self.worker
            .run(move || {
                store.folder.set_up(&store.wanted)?;
                if logs_changes && !changes::is_begun(&store.folder)? {
                    let held = store.folder.lock(Access::Exclusive)?;
                    changes::begin(&store.folder, &held)?;
                }
                store.set_up_marks();
                Ok(())
            })
            .await
    }

    fn check(&self) -> Result<()> {
        let definition = fs::metadata(self.folder.own("definition.json")).ok();
        let found = definition.as_ref().map(Identity::of);
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_ready.load(Ordering::Relaxed) || found.is_none() || found != *checked {
            self.is_ready.store(false, Ordering::Relaxed);
            self.folder.check(&self.wanted)?;
            *checked = found;
            self.is_ready.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Reads one key where it is asked, and hands it over. Gives false where that has to be done by
    /// the worker: a write of several files is in progress, of which nobody is to see a part.
    fn get_here(&self, key: &EncodedKey, rows: &mut RowSink) -> Result<bool> {
        let unknown = |error: io::Error| error::at(&self.folder.path, "read", error);
        let journal = self.journal.get_or_init(|| JournalWatch::begin(&self.folder, self.noticing));
        let is_another = || self.is_ready.store(false, Ordering::Relaxed);
        let is_calm = journal.is_calm(&self.folder, is_another).map_err(unknown)?;
        if !self.is_ready.load(Ordering::Relaxed) {
            self.check()?;
        }
        if !is_calm {
            return Ok(false);
        }
        let place = self.form.place(key);
        let Some(text) = self.read(&place, None)? else {
            // A folder that is gone is no reason to say that the key is.
            self.check()?;
            return Ok(true);
        };
        if self.form == Form::Json
            && let Some(mut entry) = Direct::parse(&self.definition, key, &text)
        {
            let _ = receive(&self.definition, 0, &mut entry, rows)?;
            return Ok(true);
        }
        let entry = self.parse(key, &place, text)?;
        let _ = hand_over(&self.definition, 0, &entry, rows)?;
        Ok(true)
    }

    /// What is under a key, expired or not.
    fn entry(&self, key: &EncodedKey, held: Option<&Held>) -> Result<Option<Entry>> {
        let place = self.form.place(key);
        let Some(text) = self.read(&place, held)? else { return Ok(None) };
        self.parse(key, &place, text).map(Some)
    }

    fn parse(&self, key: &EncodedKey, place: &str, text: Vec<u8>) -> Result<Entry> {
        let entry = self.form.parse(&self.definition, Some(key), text);
        entry.map_err(|why| error::unusable(&self.folder.at(place), &why))
    }

    fn read(&self, place: &str, held: Option<&Held>) -> Result<Option<Vec<u8>>> {
        if self.form == Form::Raw {
            self.folder.check_parents(place)?;
        }
        let path =
            held.map_or_else(|| Some(self.folder.at(place)), |held| held.path(&self.folder, place));
        path.map_or(Ok(None), |path| read(&path))
    }

    /// What is under a key, unless it has expired.
    fn live(&self, key: &EncodedKey, held: &Held, now: i64) -> Result<Option<Entry>> {
        Ok(self.entry(key, Some(held))?.filter(|entry| !entry.is_expired(now)))
    }

    /// Writes entries over what is there; a file that is no entry is not written over.
    fn put(&self, held: &Held, entries: Vec<KvEntry>) -> Result<()> {
        let mut log = self.begin_log(held)?;
        let mut edits: Vec<Edit> = Vec::with_capacity(entries.len());
        let mut places = std::collections::HashMap::new();
        for KvEntry { key, value, expires_at } in entries {
            let old = match self.form {
                Form::Json => self.entry(&key, Some(held))?,
                Form::Raw => None,
            };
            let place = self.form.place(&key);
            let new = Entry { key, value, expires_at };
            let edit = Edit::write(place.clone(), self.form.text(&self.definition, &new)?);
            if expires_at.is_some() {
                self.mark(held, &place)?;
            }
            // Of two with one key the last wins.
            let position = *places.entry(place).or_insert(edits.len());
            if position == edits.len() {
                edits.push(edit);
            } else {
                edits[position] = edit;
            }
            log.note_at(position, old.as_ref(), Some(&new));
        }
        self.commit(held, edits, log)
    }

    fn put_if(
        &self,
        held: &Held,
        entry: KvEntry,
        expected: Option<&Value>,
        now: i64,
    ) -> Result<bool> {
        let found = self.live(&entry.key, held, now)?;
        let is_expected = match (&found, expected) {
            (None, None) => true,
            (Some(found), Some(expected)) => is_same(&found.value, expected),
            _ => false,
        };
        if is_expected {
            self.put(held, vec![entry])?;
        }
        Ok(is_expected)
    }

    fn delete_if(
        &self,
        held: &Held,
        key: &EncodedKey,
        expected: Option<&Value>,
        now: i64,
    ) -> Result<bool> {
        let Some(found) = self.live(key, held, now)? else { return Ok(false) };
        if expected.is_some_and(|expected| !is_same(&found.value, expected)) {
            return Ok(false);
        }
        let mut log = self.begin_log(held)?;
        log.note(Some(&found), None);
        let place = self.form.place(key);
        self.commit(held, vec![Edit::delete(place.clone())], log)?;
        self.unmark(&place);
        Ok(true)
    }

    fn increment(&self, held: &Held, key: EncodedKey, by: i64, now: i64) -> Result<i64> {
        let found = self.live(&key, held, now)?;
        let sum = self.definition.add(found.as_ref().map(|entry| &entry.value), by)?;
        let expires_at = found.and_then(|entry| entry.expires_at);
        self.put(held, vec![KvEntry { key, value: Value::Int(sum), expires_at }])?;
        Ok(sum)
    }

    fn expire(
        &self,
        held: &Held,
        key: EncodedKey,
        expires_at: Option<i64>,
        now: i64,
    ) -> Result<bool> {
        let Some(found) = self.live(&key, held, now)? else { return Ok(false) };
        if found.expires_at != expires_at {
            self.put(held, vec![KvEntry { key, value: found.value, expires_at }])?;
        }
        Ok(true)
    }
}

/// Whether two values are the same; the names in a JSON object have no order.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Json(one), Value::Json(other)) => one == other,
        _ => one.compare(other).is_eq(),
    }
}

/// Hands an entry over as a row of the store's table.
fn hand_over(
    definition: &KvDef,
    position: usize,
    entry: &Entry,
    rows: &mut RowSink,
) -> Result<ControlFlow<()>> {
    let mut row: Vec<Value> = entry.key.values().to_vec();
    row.push(entry.value.clone());
    row.push(entry.expires_at.map_or(Value::Null, Value::DateTime));
    receive(definition, position, &mut RowRef(&row), rows)
}

fn receive(
    definition: &KvDef,
    position: usize,
    source: &mut dyn ColumnSource,
    rows: &mut RowSink,
) -> Result<ControlFlow<()>> {
    rows.receive(position, source).map_err(|error| error.into_error(definition.table()))
}
