//! Noticing that a write of several files is in progress, for those who read without a lock.

use std::io;
#[cfg(target_os = "linux")]
use std::sync::{Mutex, PoisonError};

#[cfg(target_os = "linux")]
use super::{Changed, inotify::Watch};
use crate::{folder::Folder, options::Noticing};

/// Tells whether a folder has a journal.
pub(crate) struct JournalWatch {
    /// Of the folder in which journals are, where the kernel tells of it. Locked by who looks, so
    /// that nobody takes the event that another has to see.
    #[cfg(target_os = "linux")]
    watch: Option<(Watch, Mutex<()>)>,
}

impl JournalWatch {
    pub(crate) fn begin(folder: &Folder, noticing: Noticing) -> Self {
        #[cfg(target_os = "linux")]
        {
            let watch =
                (noticing == Noticing::Auto).then(|| Watch::begin(&folder.own(""))).flatten();
            if let Some(watch) = &watch {
                // There may be one already, so the first who asks has to look.
                let _ = watch.take();
            }
            Self { watch: watch.map(|watch| (watch, Mutex::default())) }
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (folder, noticing);
            Self {}
        }
    }

    /// Whether no write of several files is in progress. One that begins later is not seen by who
    /// reads one file now, as little as it would be a moment ago.
    pub(crate) fn is_calm(&self, folder: &Folder) -> io::Result<bool> {
        #[cfg(target_os = "linux")]
        if let Some((watch, looking)) = &self.watch {
            if watch.is_quiet() {
                return Ok(true);
            }
            let _looking = looking.lock().unwrap_or_else(PoisonError::into_inner);
            let changed = watch.take();
            let is_calm = !folder.has_journal()?;
            // Where the folder is another, nothing tells of it any more, and all have to look.
            if is_calm && !matches!(changed, Changed::Folder) {
                watch.done();
            }
            return Ok(is_calm);
        }
        Ok(!folder.has_journal()?)
    }
}
