//! The rows as they were read from the files, and which files those were.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    sync::Arc,
};

use storehouse_runtime::{
    ColumnDef, EncodedKey, EncodedRow, Error, Result, TableDef, Value, memory::TableImage,
};

use crate::{
    codec, error,
    folder::{Folder, Held, Stamp, is_missing},
    names::key_name,
    watch::{Changed, ENDING, Notice, is_record},
};

/// What was read of a folder.
pub(super) struct Mirror {
    pub(super) image: TableImage,
    /// By name, the files that are rows.
    files: HashMap<String, Known>,
    /// By name, the files that should be rows and are none, and why.
    pub(super) unusable: Arc<BTreeMap<String, String>>,
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
type Found = Result<(EncodedRow, Stamp), String>;

impl Mirror {
    pub(super) fn new(definition: &Arc<TableDef>, notice: Notice) -> Self {
        Self {
            image: TableImage::new(Arc::clone(definition)),
            files: HashMap::new(),
            unusable: Arc::default(),
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
                let changed = names
                    .into_iter()
                    .filter(|(name, in_place)| *in_place || !self.is_as_written(folder, name));
                let unfinished = held.instead.keys().filter(|name| is_record(name)).cloned();
                changed.map(|(name, _)| name).chain(unfinished).collect()
            }
        };
        if !names.is_empty() {
            self.read(folder, held, names);
        }
        Ok(true)
    }

    /// A file was written, with the row that has the key, or deleted.
    pub(super) fn note_written(&mut self, name: String, written: Option<(EncodedKey, Stamp)>) {
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
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            found.push((self.find(folder, held, &name), name));
        }
        let mut unusable = BTreeMap::new();
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
            if let Err(why) = row.and_then(|(row, stamp)| self.load(&name, row, stamp)) {
                unusable.insert(name, why);
            }
        }
        self.unusable = Arc::new(unusable);
        for key in &unloaded {
            self.note_lost(key);
        }
    }

    /// What is in a file; `None` where there is no such file.
    fn find(&self, folder: &Folder, held: &Held, name: &str) -> Option<Found> {
        let path = match held.instead.get(name) {
            None => folder.at(name),
            Some(None) => return None,
            Some(Some(path)) => path.clone(),
        };
        let read = || -> io::Result<(Vec<u8>, Stamp)> {
            // The stamp of before: what changes while it is read is read again.
            let stamp = Stamp::of(&fs::symlink_metadata(&path)?);
            Ok((fs::read(&path)?, stamp))
        };
        let (text, stamp) = match read() {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return Some(Err(format!("it cannot be read: {error}"))),
        };
        let row = codec::read_row(&self.columns, &text);
        Some(row.map(|row| (EncodedRow(row), stamp)))
    }

    fn load(&mut self, name: &str, row: EncodedRow, stamp: Stamp) -> Result<(), String> {
        let definition = self.image.definition();
        let key: EncodedKey = definition.key.iter().map(|&column| row.0[column].clone()).collect();
        let expected = key_name(&key) + ENDING;
        if expected != name {
            return Err(format!(
                "its key is that of `{expected}`; rename it, or change the key in it"
            ));
        }
        self.image.load(row).map_err(|error| match error {
            Error::Conflict { columns, .. } => {
                format!("another row has the same value of {}", columns.join(", "))
            }
            other => other.to_string(),
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
}
