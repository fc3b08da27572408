//! Whether a file is still the one that was read.

use std::{
    fs::Metadata,
    time::{Duration, SystemTime},
};

use super::Identity;

/// Times of files are no finer than this anywhere, so that a file can change within and look the
/// same.
const GRAIN: Duration = Duration::from_secs(2);

/// What tells two versions of a file apart without reading them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    identity: Identity,
    /// Whether the file was so new when it was looked at that it can change and keep its stamp.
    is_recent: bool,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self::at(metadata, SystemTime::now())
    }

    /// Of a file that was looked at not before `now`.
    pub(crate) fn at(metadata: &Metadata, now: SystemTime) -> Self {
        let modified = metadata.modified().ok();
        // One from the future is not older than anything.
        let age = modified.and_then(|modified| now.duration_since(modified).ok());
        let is_recent = age.is_none_or(|age| age < GRAIN);
        Self { modified, length: metadata.len(), identity: Identity::of(metadata), is_recent }
    }

    /// Whether the stamps are of one version, as far as stamps can tell.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.modified, self.length, self.identity)
            == (other.modified, other.length, other.identity)
    }

    /// Whether a file with the stamp `now` certainly has not changed since.
    pub(crate) fn proves(&self, now: &Self) -> bool {
        !self.is_recent && self.is_same(now)
    }
}
