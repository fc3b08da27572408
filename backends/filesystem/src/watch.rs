//! Noticing what others change in a folder.
//!
//! On Linux the kernel puts an event into a queue before the call that changed a file returns, so
//! whoever looks at the queue knows of every write that was done before: a read looks, for less
//! than a microsecond, and goes on from memory where nothing has happened. That is why this reads
//! inotify itself and not through a thread, which would hear of it some time later. Where there is
//! no such queue, or a file system that other machines write to, the folder is looked at instead.

#[cfg(target_os = "linux")]
mod inotify;
mod journal;
mod scan;

use std::collections::BTreeMap;
#[cfg(target_os = "linux")]
use std::path::Path;

use storehouse_runtime::EncodedKey;

#[cfg(target_os = "linux")]
use self::inotify::Watch;
pub(crate) use self::journal::JournalWatch;
use self::scan::Seen;
use crate::{
    folder::{Folder, Identity},
    names::key_name,
    options::Noticing,
};

/// What may have changed.
pub(crate) enum Changed {
    /// The files of these names.
    Names(BTreeMap<String, How>),
    /// Anything; every file has to be looked at.
    Anything,
    /// The folder itself is another, or gone.
    Folder,
}

/// What happened to a file. Of several things, the one that comes last here tells the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// It came to be, and may be written now: that it is done is told too. A link never is.
    Created,
    /// It was put in place, or taken away.
    Moved,
    /// It was written in place, and can look the same.
    Written,
}

/// Notices changes of one folder.
pub(crate) struct Notice {
    means: Means,
    place: Place,
}

/// The folder that is looked at. Another can be put in its place, or in that of one around it, and
/// nothing else tells of that. `None` where that happened while the look began.
struct Place(Option<Identity>);

impl Place {
    /// Begins to look, and says at which folder.
    fn around<T>(folder: &Folder, look: impl FnOnce() -> T) -> (T, Self) {
        let before = folder.identity();
        let begun = look();
        (begun, Self(before.filter(|before| folder.identity() == Some(*before))))
    }

    /// Whether it is the folder that is there now.
    fn is_of(&self, folder: &Folder) -> bool {
        self.0.is_some() && self.0 == folder.identity()
    }
}

/// How changes are noticed.
enum Means {
    /// By inotify: of the files, and of the journal, which tells of files that are not in place yet.
    #[cfg(target_os = "linux")]
    Watched { files: Watch, own: Watch },
    /// By looking.
    Looked(Seen),
}

impl Notice {
    /// Begins to notice. What changes from now on is noticed.
    pub(crate) fn begin(folder: &Folder, noticing: Noticing) -> Self {
        let (means, place) = Place::around(folder, || Means::begin(folder, noticing));
        Self { means, place }
    }

    /// Whether nothing has changed since the last [`Notice::take`] that was [done](Notice::done).
    pub(crate) fn is_quiet(&self, folder: &Folder) -> bool {
        let is_quiet = match &self.means {
            #[cfg(target_os = "linux")]
            Means::Watched { files, own } => files.is_quiet() && own.has_nothing(),
            Means::Looked(seen) => seen.is_quiet(folder),
        };
        is_quiet && self.place.is_of(folder)
    }

    /// What has changed since the last time. It is not quiet again before [`Notice::done`].
    pub(crate) fn take(&self, folder: &Folder) -> Changed {
        if !self.place.is_of(folder) {
            return Changed::Folder;
        }
        match &self.means {
            #[cfg(target_os = "linux")]
            Means::Watched { files, own } => match own.take() {
                Changed::Folder => Changed::Folder,
                _ => files.take(),
            },
            Means::Looked(seen) => seen.take(folder),
        }
    }

    /// Says that what was taken is known now.
    pub(crate) fn done(&self) {
        match &self.means {
            #[cfg(target_os = "linux")]
            Means::Watched { files, own } => {
                files.done();
                own.done();
            }
            Means::Looked(seen) => seen.done(),
        }
    }

    /// Whether the kernel tells of changes.
    pub(crate) const fn is_watched(&self) -> bool {
        match &self.means {
            #[cfg(target_os = "linux")]
            Means::Watched { .. } => true,
            Means::Looked(_) => false,
        }
    }
}

impl Means {
    fn begin(folder: &Folder, noticing: Noticing) -> Self {
        #[cfg(target_os = "linux")]
        if noticing == Noticing::Auto
            && let Some(files) = Watch::begin(&folder.path)
            && let Some(own) = Watch::begin(&folder.own(""))
        {
            return Self::Watched { files, own };
        }
        let _ = noticing;
        Self::Looked(Seen::begin(folder))
    }
}

/// Whether a file of that name is meant to be a row or an entry. Others are nobody's business:
/// notes, pictures, what editors and version control keep.
pub(crate) fn is_record(name: &str) -> bool {
    !name.starts_with('.') && name.ends_with(ENDING)
}

/// The ending of the files of rows and entries.
pub(crate) const ENDING: &str = ".json";

/// The name of the file of a key.
pub(crate) fn file_name(key: &EncodedKey) -> String {
    key_name(key) + ENDING
}

/// Whether the file system may be written to by other machines, of which this one is not told.
#[cfg(target_os = "linux")]
fn is_shared_with_machines(path: &Path) -> bool {
    // ext, XFS, Btrfs, F2FS, tmpfs, overlayfs, ZFS and bcachefs; from linux/magic.h.
    const LOCAL: [u64; 8] = [
        0xEF53,
        0x5846_5342,
        0x9123_683E,
        0xF2F5_2010,
        0x0102_1994,
        0x794C_7630,
        0x2FC1_2FC1,
        0xCA45_1A4E,
    ];
    rustix::fs::statfs(path).map_or(true, |found| {
        // The field's type differs between machines.
        #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "it is a bit pattern")]
        let kind = found.f_type as u64 & 0xFFFF_FFFF;
        !LOCAL.contains(&kind)
    })
}
