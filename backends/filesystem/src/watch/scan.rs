//! Looking at a folder, where nobody tells of changes.

use std::{
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use super::Changed;
use crate::folder::Folder;

/// How long what somebody changes in place, past Storehouse, can go unnoticed.
const INTERVAL: Duration = Duration::from_secs(1);

/// A folder whose time is younger than this may change again and keep it.
const GRAIN: Duration = Duration::from_millis(50);

/// What was seen when the folder was looked at last.
pub(crate) struct Seen(Mutex<Last>);

struct Last {
    look: Look,
    at: Instant,
    /// What was taken is not known to readers yet.
    is_taken: bool,
}

/// What can be seen without looking at each file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    generation: u64,
    modified: Option<SystemTime>,
}

impl Look {
    fn at(folder: &Folder) -> Self {
        let modified = fs::metadata(&folder.path).and_then(|metadata| metadata.modified()).ok();
        Self { generation: folder.generation(), modified }
    }

    /// Whether the folder's time is old enough to tell whether it changes.
    fn is_settled(&self) -> bool {
        let age = self.modified.and_then(|time| SystemTime::now().duration_since(time).ok());
        age.is_some_and(|age| age > GRAIN)
    }
}

impl Seen {
    pub(super) fn begin(folder: &Folder) -> Self {
        let look = Look::at(folder);
        Self(Mutex::new(Last { look, at: Instant::now(), is_taken: true }))
    }

    fn lock(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_quiet(&self, folder: &Folder) -> bool {
        let last = self.lock();
        let (known, at, is_taken) = (last.look, last.at, last.is_taken);
        drop(last);
        let look = Look::at(folder);
        !is_taken && look == known && look.is_settled() && at.elapsed() < INTERVAL
    }

    pub(super) fn take(&self, folder: &Folder) -> Changed {
        // Looked at before the files are, so that what changes meanwhile is seen next time.
        let look = Look::at(folder);
        let mut last = self.lock();
        *last = Last { look, at: Instant::now(), is_taken: true };
        if look.modified.is_none() { Changed::Folder } else { Changed::Anything }
    }

    pub(super) fn done(&self) {
        self.lock().is_taken = false;
    }
}
