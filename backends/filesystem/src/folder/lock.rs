//! The lock of a folder, which all processes respect: writers have it alone, readers share it.
//!
//! Whoever takes it first finishes what a process that died left half done.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::PathBuf,
    sync::PoisonError,
    thread,
    time::{Duration, Instant},
};

use storehouse_runtime::{Error, Result};

use super::{Folder, Identity};
use crate::error;

/// How long a program waits for others. None holds the lock for longer than its writes take.
const PATIENCE: Duration = Duration::from_secs(10);

/// With whom the lock is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// With other readers.
    Shared,
    /// With nobody.
    Exclusive,
}

/// The lock, until this is dropped.
pub(crate) struct Held {
    /// None where the folder is read-only and has no lock, so that nobody can write.
    file: Option<File>,
    /// Where the contents of files are that could not be put in place, since the folder is
    /// read-only; `None` for those that are to be deleted.
    pub(crate) instead: HashMap<String, Option<PathBuf>>,
}

impl Held {
    /// Where to read what belongs at a place of the folder; `None` where it is to be deleted.
    pub(crate) fn path(&self, folder: &Folder, place: &str) -> Option<PathBuf> {
        match self.instead.get(place) {
            None => Some(folder.at(place)),
            Some(instead) => instead.clone(),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Closing it would do the same.
            let _ = file.unlock();
        }
    }
}

impl Folder {
    /// Takes the lock. Fails with [`Error::Busy`] when others have it for too long.
    pub(crate) fn lock(&self, access: Access) -> Result<Held> {
        let file = self.lock_file(access)?;
        let mut held = Held { file, instead: HashMap::new() };
        if access == Access::Exclusive {
            self.finish_others(&held)?;
        } else if self.journal()?.is_some() {
            // It was left by a process that died, since no writer has the lock.
            drop(held);
            let finished = self
                .lock_file(Access::Exclusive)
                .and_then(|file| self.finish_others(&Held { file, instead: HashMap::new() }));
            held = Held { file: self.lock_file(Access::Shared)?, instead: HashMap::new() };
            if let Err(error) = finished {
                tracing::warn!(target: "storehouse", %error, "a write cannot be put in place yet");
            }
            // Another may have put it in place, or have left its own, before the lock was shared again.
            if let Some(journal) = self.journal()? {
                held.instead = self.read_through(&journal);
            }
        }
        Ok(held)
    }

    fn lock_file(&self, access: Access) -> Result<Option<File>> {
        let begun = Instant::now();
        let mut pause = Duration::from_micros(20);
        loop {
            let Some(file) = self.open_lock(access)? else { return Ok(None) };
            let locked = match access {
                Access::Shared => file.try_lock_shared(),
                Access::Exclusive => file.try_lock(),
            };
            match locked {
                Ok(()) if self.is_current(&file) => return Ok(Some(file)),
                // The folder was removed and made anew meanwhile.
                Ok(()) => *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None,
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(2));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::busy(format!(
                        "another program has used `{}` for {} seconds; if it hangs, end it",
                        self.path.display(),
                        PATIENCE.as_secs()
                    )));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error::at(&self.own("lock"), "locked", error));
                }
            }
        }
    }

    /// The lock's file, opened once. `None` for a reader where there is none and none can be made.
    fn open_lock(&self, access: Access) -> Result<Option<File>> {
        let path = self.own("lock");
        let mut kept = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            self.check_own()?;
            let opened =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let is_read_only = |error: &io::Error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
                )
            };
            *kept = match opened {
                Ok(file) => Some(file),
                Err(error) if super::is_missing(&error) => {
                    return Err(error::not_set_up(&self.name, &self.path));
                }
                Err(error) if is_read_only(&error) => match File::open(&path) {
                    Ok(file) => Some(file),
                    Err(_) if access == Access::Shared => return Ok(None),
                    Err(_) => return Err(error::at(&path, "written", error)),
                },
                Err(error) => return Err(error::at(&path, "opened", error)),
            };
        }
        let cloned = kept.as_ref().map(File::try_clone).transpose();
        cloned.map_err(|error| error::at(&path, "opened", error))
    }

    /// Whether the file that is locked is the one that others find.
    fn is_current(&self, file: &File) -> bool {
        let identity = |found: io::Result<fs::Metadata>| found.ok().as_ref().map(Identity::of);
        let found = identity(fs::metadata(self.own("lock")));
        found.is_some() && found == identity(file.metadata())
    }
}
