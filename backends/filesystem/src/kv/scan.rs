//! What concerns all entries: their keys in order, how many there are, deleting them.

use std::{collections::BTreeMap, fs, io};

use storehouse_runtime::{EncodedKey, Result, RowSink, Value, kv::KvScan};

use super::{Form, KvFolder, hand_over};
use crate::{
    error,
    folder::{Edit, Held, is_missing, what_else},
    names::key_path,
    watch::is_record,
};

impl KvFolder {
    /// The keys in order, and where their files are. Names tell most keys; where one does not, the
    /// file is read.
    pub(super) fn keys(&self, held: &Held) -> Result<BTreeMap<EncodedKey, String>> {
        let mut keys = BTreeMap::new();
        for place in self.places(held)? {
            let key = match self.form.key_of(&place, &self.definition) {
                Some(key) => key,
                None if self.form == Form::Raw => {
                    let expected = key_path(&place);
                    let why = format!("no key has this path; rename it to `{expected}`");
                    return Err(error::unusable(&self.folder.at(&place), &why));
                }
                None => match self.read(&place, Some(held))? {
                    Some(text) => {
                        let entry = self.form.parse(&self.definition, None, text);
                        let entry = entry.and_then(|entry| self.in_its_place(entry.key, &place));
                        entry.map_err(|why| error::unusable(&self.folder.at(&place), &why))?
                    }
                    None => continue,
                },
            };
            keys.insert(key, place);
        }
        Ok(keys)
    }

    fn in_its_place(&self, key: EncodedKey, place: &str) -> Result<EncodedKey, String> {
        let expected = self.form.place(&key);
        if expected == place {
            return Ok(key);
        }
        Err(format!("its key is that of `{expected}`; rename it, or change the key in it"))
    }

    /// Where files are that should be entries.
    pub(super) fn places(&self, held: &Held) -> Result<Vec<String>> {
        let mut places = Vec::new();
        self.add_places("", &mut places)?;
        for (place, instead) in &held.instead {
            places.retain(|other| other != place);
            let is_entry = self.form == Form::Raw || is_record(place);
            if instead.is_some() && is_entry && !place.starts_with('.') {
                places.push(place.clone());
            }
        }
        Ok(places)
    }

    fn add_places(&self, within: &str, places: &mut Vec<String>) -> Result<()> {
        let path =
            if within.is_empty() { self.folder.path.clone() } else { self.folder.at(within) };
        let failed = |error: io::Error| error::at(&path, "listed", error);
        let listed = match fs::read_dir(&path) {
            // A folder that became empty is removed.
            Err(error) if !within.is_empty() && is_missing(&error) => return Ok(()),
            listed => listed.map_err(failed)?,
        };
        for entry in listed {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else {
                let why = "its name is no Unicode, so no key has it";
                return Err(error::unusable(&entry.path(), why));
            };
            // What is hidden is nobody's: version control, and Storehouse's own.
            if name.starts_with('.') {
                continue;
            }
            let place = if within.is_empty() { name.clone() } else { format!("{within}/{name}") };
            match self.form {
                Form::Raw => {
                    let kind = entry.file_type().map_err(failed)?;
                    match what_else(kind) {
                        None => places.push(place),
                        Some(_) if kind.is_dir() => self.add_places(&place, places)?,
                        Some(what) => return Err(error::unusable(&entry.path(), what)),
                    }
                }
                Form::Json if is_record(&name) => places.push(place),
                Form::Json => {}
            }
        }
        Ok(())
    }

    pub(super) fn scan(
        &self,
        held: &Held,
        scan: &KvScan,
        now: i64,
        mut rows: RowSink,
    ) -> Result<RowSink> {
        let begins = |key: &EncodedKey| match (&scan.prefix, key.values()) {
            (None, _) => true,
            (Some(prefix), [Value::Text(key)]) => key.starts_with(&**prefix),
            _ => false,
        };
        let most = usize::try_from(scan.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let mut position = 0;
        for key in self.keys(held)?.into_keys() {
            if position == most {
                break;
            }
            if !begins(&key) || scan.after.as_ref().is_some_and(|after| key <= *after) {
                continue;
            }
            let Some(entry) = self.live(&key, held, now)? else { continue };
            if hand_over(&self.definition, position, &entry, &mut rows)?.is_break() {
                break;
            }
            position += 1;
        }
        Ok(rows)
    }

    pub(super) fn size(&self, held: &Held, now: i64) -> Result<u64> {
        let keys = self.keys(held)?;
        let marked = self.marked(held)?;
        let mut size = keys.len();
        for (key, place) in &keys {
            if marked.contains(place) && self.live(key, held, now)?.is_none() {
                size -= 1;
            }
        }
        Ok(size as u64)
    }

    /// Deletes every entry. What is no entry stays.
    pub(super) fn delete_all(&self, held: &Held) -> Result<()> {
        let mut log = self.begin_log(held)?;
        let mut edits = Vec::new();
        for place in self.places(held)? {
            let key = self.form.key_of(&place, &self.definition);
            if self.form == Form::Raw {
                edits.extend(key.map(|_| Edit::delete(place)));
                continue;
            }
            let Some(text) = self.read(&place, Some(held))? else { continue };
            let Ok(entry) = self.form.parse(&self.definition, None, text) else { continue };
            if self.form.place(&entry.key) == place {
                log.note(Some(&entry), None);
                edits.push(Edit::delete(place));
            }
        }
        let places: Vec<String> = edits.iter().map(|edit| edit.place.clone()).collect();
        self.commit(held, edits, log)?;
        for place in &places {
            self.unmark(place);
        }
        Ok(())
    }

    /// Deletes what has expired, and counts it.
    pub(super) fn purge_expired(&self, held: &Held, now: i64) -> Result<u64> {
        // Where that is not possible, every file is looked at.
        let _ = self.complete_marks(held);
        let mut log = self.begin_log(held)?;
        let (mut edits, mut unmarked) = (Vec::new(), Vec::new());
        for place in self.marked(held)? {
            // What is no entry is told to who asks for it.
            let Ok(text) = self.read(&place, Some(held)) else { continue };
            let Some(text) = text else {
                unmarked.push(place);
                continue;
            };
            let Ok(entry) = self.form.parse(&self.definition, None, text) else { continue };
            if entry.expires_at.is_none() {
                unmarked.push(place);
            } else if entry.is_expired(now) && self.form.place(&entry.key) == place {
                log.note(Some(&entry), None);
                edits.push(Edit::delete(place.clone()));
                unmarked.push(place);
            }
        }
        let purged = edits.len() as u64;
        self.commit(held, edits, log)?;
        for place in &unmarked {
            self.unmark(place);
        }
        Ok(purged)
    }
}
