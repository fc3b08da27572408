//! Noticing that a write of several files is in progress, for those who read without a lock.

use std::io;
#[cfg(target_os = "linux")]
use std::sync::{
    Mutex, PoisonError, RwLock,
    atomic::{AtomicU32, Ordering},
};

#[cfg(target_os = "linux")]
use super::{Changed, Place, inotify::Watch};
use crate::{folder::Folder, options::Noticing};

/// One of so many reads looks whether the folder is still the one that is watched, which costs as much
/// as looking for a journal. Files are read by their path, whichever it is; what reads miss until then
/// is that a write of several files is in progress in the new folder.
#[cfg(target_os = "linux")]
const INTERVAL: u32 = 64;

/// Tells whether a folder has a journal.
pub(crate) struct JournalWatch {
    /// `None` where the folder is only looked at.
    #[cfg(target_os = "linux")]
    watched: Option<RwLock<Watched>>,
}

/// The folder in which journals are.
#[cfg(target_os = "linux")]
struct Watched {
    /// `None` where the kernel does not tell of it.
    watch: Option<Watch>,
    /// Locked by who looks, so that nobody takes the event that another has to see.
    looking: Mutex<()>,
    place: Place,
    /// How many reads there were.
    reads: AtomicU32,
}

#[cfg(target_os = "linux")]
impl Watched {
    fn begin(folder: &Folder) -> Self {
        let (watch, place) = Place::around(folder, || Watch::begin(&folder.own("")));
        if let Some(watch) = &watch {
            // There may be a journal already, so the first who asks has to look.
            let _ = watch.take();
        }
        Self { watch, looking: Mutex::default(), place, reads: AtomicU32::new(0) }
    }

    /// Whether it is time to look whether this is still the folder at its path.
    fn is_due(&self) -> bool {
        self.reads.fetch_add(1, Ordering::Relaxed).is_multiple_of(INTERVAL)
    }
}

impl JournalWatch {
    pub(crate) fn begin(folder: &Folder, noticing: Noticing) -> Self {
        #[cfg(target_os = "linux")]
        return Self {
            watched: (noticing == Noticing::Auto).then(|| RwLock::new(Watched::begin(folder))),
        };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (folder, noticing);
            Self {}
        }
    }

    /// Whether no write of several files is in progress. One that begins later is not seen by who
    /// reads one file now, as little as it would be a moment ago. Calls `changed` where the folder is
    /// found to be another.
    pub(crate) fn is_calm(&self, folder: &Folder, changed: impl FnOnce()) -> io::Result<bool> {
        #[cfg(target_os = "linux")]
        if let Some(watched) = &self.watched {
            let known = watched.read().unwrap_or_else(PoisonError::into_inner);
            let mut is_another = known.is_due() && !known.place.is_of(folder);
            if let Some(watch) = known.watch.as_ref().filter(|_| !is_another) {
                if watch.is_quiet() {
                    return Ok(true);
                }
                let looking = known.looking.lock().unwrap_or_else(PoisonError::into_inner);
                let taken = watch.take();
                let is_calm = !folder.has_journal()?;
                is_another = matches!(taken, Changed::Folder);
                if is_calm && !is_another {
                    watch.done();
                }
                drop(looking);
                if !is_another {
                    return Ok(is_calm);
                }
            }
            drop(known);
            if is_another {
                changed();
                *watched.write().unwrap_or_else(PoisonError::into_inner) = Watched::begin(folder);
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = changed;
        Ok(!folder.has_journal()?)
    }
}
