//! Marks of the entries that may expire, so that those that have are found without reading every file.
//!
//! A mark is an empty file that is called as the entry's is. It is written before the entry, and one
//! too many costs a look. Version control keeps none of them, so a folder without the sign that all
//! are there gets them anew.

use std::{collections::BTreeSet, fs, path::PathBuf};

use storehouse_runtime::Result;

use super::{Form, KvFolder};
use crate::{
    error,
    folder::{Access, Held, is_missing, make_folders},
};

/// The sign that there is a mark for every entry that may expire. No entry's file begins with a dot.
const COMPLETE: &str = ".complete";

impl KvFolder {
    fn mark_of(&self, place: &str) -> PathBuf {
        self.folder.own("expiring").join(place)
    }

    fn has_marks(&self) -> bool {
        fs::exists(self.mark_of(COMPLETE)).unwrap_or(false)
    }

    /// Makes what is missing, where that is possible. Where not, every file is looked at for each count.
    pub(super) fn set_up_marks(&self) {
        if self.form == Form::Json && !self.has_marks() {
            let made =
                self.folder.lock(Access::Exclusive).and_then(|held| self.complete_marks(&held));
            if let Err(error) = made {
                tracing::debug!(target: "storehouse", %error, "entries that expire have no marks");
            }
        }
    }

    /// Marks what has no mark, unless all have one. What cannot be used now may expire too, once it is
    /// mended.
    pub(super) fn complete_marks(&self, held: &Held) -> Result<()> {
        if self.form == Form::Raw || self.has_marks() {
            return Ok(());
        }
        make_folders(&self.folder.own("expiring"))?;
        for place in self.places(held)? {
            if self.expires(held, &place).unwrap_or(true) {
                self.write_mark(&place)?;
            }
        }
        self.write_mark(COMPLETE)
    }

    /// Notes that an entry may expire.
    pub(super) fn mark(&self, held: &Held, place: &str) -> Result<()> {
        self.complete_marks(held)?;
        if fs::exists(self.mark_of(place)).unwrap_or(false) {
            return Ok(());
        }
        self.write_mark(place)
    }

    fn write_mark(&self, place: &str) -> Result<()> {
        let mark = self.mark_of(place);
        self.folder.write_mark(&mark).map_err(|error| error::at(&mark, "written", error))
    }

    pub(super) fn unmark(&self, place: &str) {
        let _ = fs::remove_file(self.mark_of(place));
    }

    /// Where entries are that may expire.
    pub(super) fn marked(&self, held: &Held) -> Result<BTreeSet<String>> {
        if self.form == Form::Raw {
            return Ok(BTreeSet::new());
        }
        if !self.has_marks() {
            return self.find_expiring(held);
        }
        let path = self.folder.own("expiring");
        let listed = match fs::read_dir(&path) {
            Err(error) if is_missing(&error) => return self.find_expiring(held),
            listed => listed.map_err(|error| error::at(&path, "listed", error))?,
        };
        let names = listed.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter(|name| name != COMPLETE).collect())
    }

    /// The same by reading every file. What is no entry is told to who asks for it.
    fn find_expiring(&self, held: &Held) -> Result<BTreeSet<String>> {
        let mut expiring = BTreeSet::new();
        for place in self.places(held)? {
            if self.expires(held, &place) == Some(true) {
                expiring.insert(place);
            }
        }
        Ok(expiring)
    }

    /// Whether what is at a place expires some time; `None` where it cannot be used.
    fn expires(&self, held: &Held, place: &str) -> Option<bool> {
        match self.read(place, Some(held)) {
            Ok(None) => Some(false),
            Ok(Some(text)) => {
                let entry = self.form.parse(&self.definition, None, text).ok()?;
                Some(entry.expires_at.is_some())
            }
            Err(_) => None,
        }
    }
}
