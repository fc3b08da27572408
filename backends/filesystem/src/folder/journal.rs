//! The journal: which files that are written already belong where.
//!
//! When it is there, the write that it tells of is done, and whoever has the lock next puts its
//! files in place. When it is not, the write did not happen, and its files are removed.

use std::{collections::HashMap, io, path::PathBuf};

use serde::{Deserialize, Serialize};
use storehouse_runtime::Result;

use super::{Folder, Held, commit::is_unique_name, read};
use crate::error;

const NAME: &str = "journal.json";

/// One file of a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Planned {
    /// Where it belongs.
    pub(super) place: String,
    /// What it is called among those that are not finished; `None` where it is to be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
}

/// What the file of the journal holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Journal {
    files: Vec<Planned>,
}

impl Folder {
    pub(super) fn write_journal(&self, planned: &[Planned]) -> Result<()> {
        let journal = Journal { files: planned.to_vec() };
        self.write_own(NAME, &serde_json::to_vec(&journal).unwrap_or_default())
    }

    pub(super) fn end_journal(&self) -> Result<()> {
        self.remove_own(NAME)
    }

    /// Takes the journal away whose writing failed. Gives false where it is still there.
    pub(super) fn withdraw_journal(&self) -> bool {
        match std::fs::remove_file(self.own(NAME)) {
            Ok(()) => true,
            Err(error) => super::is_missing(&error),
        }
    }

    /// Whether a write is being done, or was left by a process that died.
    pub(crate) fn has_journal(&self) -> io::Result<bool> {
        std::fs::exists(self.own(NAME))
    }

    pub(super) fn journal(&self) -> Result<Option<Journal>> {
        let path = self.own(NAME);
        let Some(text) = read(&path)? else { return Ok(None) };
        let journal: Journal = serde_json::from_slice(&text)
            .map_err(|error| error::unusable(&path, &format!("it is no journal: {error}")))?;
        // A folder may come from elsewhere, and nothing in it leads out of it.
        let stays_inside = |planned: &Planned| {
            planned.place.split('/').all(|part| !matches!(part, "" | "." | ".."))
                && !planned.place.contains(['\\', ':', '\0'])
                && planned.from.as_deref().is_none_or(is_unique_name)
        };
        if !journal.files.iter().all(stays_inside) {
            return Err(error::unusable(&path, "it leads out of the folder"));
        }
        journal.files.iter().try_for_each(|planned| self.check_parents(&planned.place))?;
        Ok(Some(journal))
    }

    /// Does what processes that died had begun, and removes what they had not.
    pub(super) fn finish_others(&self, held: &Held) -> Result<()> {
        let _ = held;
        if let Some(journal) = self.journal()? {
            self.put_in_place(&journal.files)?;
            self.end_journal()?;
        }
        self.clean();
        Ok(())
    }

    /// Where to read what cannot be put in place.
    pub(super) fn read_through(&self, journal: &Journal) -> HashMap<String, Option<PathBuf>> {
        let files = journal.files.iter().filter_map(|planned| {
            let from = planned.from.as_ref().map(|from| self.temporary(from));
            // What is not there any more is in its place already.
            let is_waiting = from.as_ref().is_none_or(|from| from.exists());
            is_waiting.then(|| (planned.place.clone(), from))
        });
        files.collect()
    }
}
