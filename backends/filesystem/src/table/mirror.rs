//! The rows as they were read from the files, and which files those were.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    sync::Arc,
    time::SystemTime,
};

use storehouse_runtime::{
    ColumnDef, EncodedKey, EncodedRow, Error, Result, TableDef, Value,
    memory::{RowDifference, TableImage},
};

use super::key_of;
use crate::{
    codec, error,
    folder::{Folder, Held, Stamp, Unread, is_missing, read_file},
    names::key_from_name,
    watch::{Changed, ENDING, How, Notice, file_name, is_record},
};

/// What was read of a folder.
pub(super) struct Mirror {
    pub(super) image: TableImage,
    /// By name, the files that are rows.
    files: HashMap<String, Known>,
    /// By name, the files that should be rows and are none, and why.
    pub(super) unusable: Arc<BTreeMap<String, String>>,
    /// Whether a file could not be read, which nobody tells of when it can.
    pub(super) has_failed: bool,
    /// The rows in files that are none, since another has what is to be unique.
    clashing: Vec<EncodedRow>,
    /// Whether a write may have let one of those be a row.
    is_to_settle: bool,
    pub(super) notice: Arc<Notice>,
    /// The greatest generated key that is stored by itself.
    pub(super) stored_id: i64,
    /// The greatest generated key of a row that went past Storehouse.
    pub(super) lost_id: i64,
    columns: Vec<ColumnDef>,
}

struct Known {
    stamp: Stamp,
    key: EncodedKey,
}

/// What is in a file, or why it cannot be a row.
type Found = Result<(EncodedRow, Stamp), Refused>;

/// Why a file cannot be a row.
enum Refused {
    /// For what is in it.
    Because(String),
    /// Another has the same value where each is to have its own.
    ForAnother(String),
}

impl Mirror {
    pub(super) fn new(definition: &Arc<TableDef>, notice: Notice) -> Self {
        Self {
            image: TableImage::new(Arc::clone(definition)),
            files: HashMap::new(),
            unusable: Arc::default(),
            has_failed: false,
            clashing: Vec::new(),
            is_to_settle: false,
            notice: Arc::new(notice),
            stored_id: 0,
            lost_id: 0,
            columns: codec::plain_columns(definition),
        }
    }

    /// Reads every file.
    pub(super) fn read_all(&mut self, folder: &Folder, held: &Held) -> Result<()> {
        let _ = self.notice.take(folder);
        let names = self.changed(folder, held)?;
        self.read(folder, held, names);
        Ok(())
    }

    /// Reads what has changed. Gives false where the folder itself is another.
    pub(super) fn update(&mut self, folder: &Folder, held: &Held) -> Result<bool> {
        let names = match self.notice.take(folder) {
            Changed::Folder => return Ok(false),
            Changed::Anything => self.changed(folder, held)?,
            Changed::Names(names) => {
                let changed = names.into_iter().filter(|(name, how)| match how {
                    How::Created => self.is_complete(folder, name),
                    How::Moved => !self.is_as_written(folder, name),
                    How::Written => true,
                });
                let unfinished = held.instead.keys().filter(|name| is_record(name)).cloned();
                changed.map(|(name, _)| name).chain(unfinished).collect()
            }
        };
        if !names.is_empty() || self.has_failed || self.is_to_settle {
            self.read(folder, held, names);
        }
        Ok(true)
    }

    /// A file was written, with the row that has the key, or deleted.
    pub(super) fn note_written(&mut self, name: String, written: Option<(EncodedKey, Stamp)>) {
        self.is_to_settle |= !self.clashing.is_empty();
        match written {
            Some((key, stamp)) => self.files.insert(name, Known { stamp, key }),
            None => self.files.remove(&name),
        };
    }

    /// Whether a file is the one that was put there by a write of this process, or that is known not to be
    /// there.
    fn is_as_written(&self, folder: &Folder, name: &str) -> bool {
        let now = fs::symlink_metadata(folder.at(name)).map(|metadata| Stamp::of(&metadata));
        match (self.files.get(name), now) {
            (Some(known), Ok(now)) => known.stamp.is_same(&now),
            (None, Err(error)) => is_missing(&error) && !self.unusable.contains_key(name),
            _ => false,
        }
    }

    /// Whether a file that came to be is a row already, or nothing that could be one.
    fn is_complete(&self, folder: &Folder, name: &str) -> bool {
        match read_file(&folder.at(name)) {
            // One with another name too was linked, and nothing more will be told of it.
            Ok((text, found)) => {
                has_other_names(&found) || codec::read_row(&self.columns, &text).is_ok()
            }
            Err(_) => true,
        }
    }

    /// The names of files that are not as they were read, by looking at each.
    fn changed(&self, folder: &Folder, held: &Held) -> Result<BTreeSet<String>> {
        let mut gone: BTreeSet<&String> = self.files.keys().collect();
        let mut changed = BTreeSet::new();
        let listed = |error| error::at(&folder.path, "listed", error);
        for entry in fs::read_dir(&folder.path).map_err(listed)? {
            let entry = entry.map_err(listed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !is_record(&name) {
                continue;
            }
            gone.remove(&name);
            let known = self.files.get(&name);
            let now = entry.metadata().map(|metadata| Stamp::of(&metadata));
            if !known.zip(now.ok()).is_some_and(|(known, now)| known.stamp.proves(&now)) {
                changed.insert(name);
            }
        }
        changed.extend(gone.into_iter().cloned());
        changed.extend(held.instead.keys().filter(|name| is_record(name)).cloned());
        Ok(changed)
    }

    /// Reads files again, and those that were no rows, which may be some now.
    fn read(&mut self, folder: &Folder, held: &Held, mut names: BTreeSet<String>) {
        names.extend(self.unusable.keys().cloned());
        (self.has_failed, self.is_to_settle) = (false, false);
        self.clashing.clear();
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            found.push((self.find(folder, held, &name), name));
        }
        let (mut unusable, mut clashing) = (BTreeMap::new(), Vec::new());
        // All of them are taken out first, since one may have what another had.
        let mut unloaded = Vec::new();
        for (_, name) in &found {
            if let Some(known) = self.files.remove(name) {
                self.image.unload(&known.key);
                unloaded.push(known.key);
            }
        }
        for (row, name) in found {
            let Some(row) = row else { continue };
            match row.and_then(|(row, stamp)| self.load(&name, row, stamp)) {
                Ok(()) => {}
                Err(Refused::Because(why)) => drop(unusable.insert(name, why)),
                Err(Refused::ForAnother(_)) => clashing.push(name),
            }
        }
        self.settle(folder, held, clashing, &mut unusable);
        self.unusable = Arc::new(unusable);
        for key in &unloaded {
            self.note_lost(key);
        }
        self.note_ids_of_unusable();
    }

    /// Of files that cannot all be rows, the one whose name comes first is one, in whichever order they
    /// came to be read: so all processes say the same.
    fn settle(
        &mut self,
        folder: &Folder,
        held: &Held,
        clashing: Vec<String>,
        unusable: &mut BTreeMap<String, String>,
    ) {
        let Some(first) = clashing.iter().min() else { return };
        let later: Vec<String> = self.files.keys().filter(|name| *name > first).cloned().collect();
        let mut again: BTreeMap<String, Found> = BTreeMap::new();
        for name in later {
            let Some(Known { stamp, key }) = self.files.remove(&name) else { continue };
            if let Some(row) = self.image.row(&key) {
                again.insert(name, Ok((EncodedRow(row.to_vec()), stamp)));
            }
            self.image.unload(&key);
        }
        for name in clashing {
            if let Some(row) = self.find(folder, held, &name) {
                again.insert(name, row);
            }
        }
        for (name, found) in again {
            let row = found.as_ref().ok().map(|(row, _)| row.clone());
            match found.and_then(|(row, stamp)| self.load(&name, row, stamp)) {
                Ok(()) => {}
                Err(Refused::Because(why)) => drop(unusable.insert(name, why)),
                Err(Refused::ForAnother(why)) => {
                    self.clashing.extend(row);
                    unusable.insert(name, why);
                }
            }
        }
    }

    /// Fails where what is written clashes with a file that would be a row then, since another gave up
    /// what it had: one of the two would be none.
    pub(super) fn check_clashes(
        &self,
        folder: &Folder,
        after: &TableImage,
        written: &[RowDifference],
    ) -> Result<()> {
        if self.clashing.is_empty() {
            return Ok(());
        }
        let mut others = after.clone();
        for row in written.iter().filter_map(RowDifference::after) {
            others.unload(&key_of(self.image.definition(), row));
        }
        for row in &self.clashing {
            if others.clone().load(row.clone()).is_ok() && after.clone().load(row.clone()).is_err()
            {
                let key = key_of(self.image.definition(), &row.0);
                let path = folder.at(&file_name(&key));
                return Err(error::unusable(&path, "what is written has the same unique value"));
            }
        }
        Ok(())
    }

    /// What is in a file; `None` where there is no such file.
    fn find(&mut self, folder: &Folder, held: &Held, name: &str) -> Option<Found> {
        let path = held.path(folder, name)?;
        // The stamp of before: what changes while it is read is read again.
        let now = SystemTime::now();
        let why = match read_file(&path) {
            Ok((text, found)) => match codec::read_row(&self.columns, &text) {
                Ok(row) => return Some(Ok((EncodedRow(row), Stamp::at(&found, now)))),
                Err(why) => why,
            },
            Err(Unread::Missing) => return None,
            Err(Unread::NoFile(what)) => what.to_owned(),
            Err(Unread::Failed(error)) => {
                self.has_failed = true;
                format!("it cannot be read: {error}")
            }
        };
        Some(Err(Refused::Because(why)))
    }

    fn load(&mut self, name: &str, row: EncodedRow, stamp: Stamp) -> Result<(), Refused> {
        let key = key_of(self.image.definition(), &row.0);
        let expected = file_name(&key);
        if expected != name {
            return Err(Refused::Because(format!(
                "its key is that of `{expected}`; rename it, or change the key in it"
            )));
        }
        self.image.load(row).map_err(|error| match error {
            Error::Conflict { columns, .. } => Refused::ForAnother(format!(
                "another row has the same value of {}",
                columns.join(", ")
            )),
            other => Refused::Because(other.to_string()),
        })?;
        self.files.insert(name.to_owned(), Known { stamp, key });
        Ok(())
    }

    /// Remembers a row's generated key if it is in no file any more.
    fn note_lost(&mut self, key: &EncodedKey) {
        let definition = self.image.definition();
        let Some(auto) = definition.auto_integer() else { return };
        let place = definition.key.iter().position(|&column| column == auto);
        if let Some(Value::Int(id)) = place.and_then(|place| key.values().get(place))
            && self.image.row(key).is_none()
        {
            self.lost_id = self.lost_id.max(*id);
        }
    }

    /// A file that is no row for the moment may be one again, so the key that its name says is not given
    /// to another.
    fn note_ids_of_unusable(&mut self) {
        let definition = self.image.definition();
        let [key] = definition.key[..] else { return };
        if definition.auto_integer() != Some(key) {
            return;
        }
        let key_type = definition.columns[key].column_type;
        let id = |name: &String| match key_from_name(name.strip_suffix(ENDING)?, key_type)?.values()
        {
            [Value::Int(id)] => Some(*id),
            _ => None,
        };
        if let Some(greatest) = self.unusable.keys().filter_map(id).max() {
            self.image.note_id(greatest);
            self.lost_id = self.lost_id.max(greatest);
        }
    }
}

/// Whether a file is in a folder more than once.
fn has_other_names(found: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        found.nlink() > 1
    }
    #[cfg(not(unix))]
    {
        let _ = found;
        false
    }
}

#[cfg(test)]
mod tests;
