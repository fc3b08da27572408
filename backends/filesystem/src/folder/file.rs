//! Reading files that anybody may have put there.
//!
//! A row or an entry is a file, and nothing else is read: a link could lead out of the folder and
//! changes unseen, and a pipe would keep a reader waiting.

#[cfg(target_os = "linux")]
use std::os::unix::fs::OpenOptionsExt as _;
use std::{
    fs::{self, File, FileType, Metadata, OpenOptions},
    io::{self, Read as _},
    path::Path,
};

use storehouse_runtime::Result;

use super::is_missing;
use crate::error;

/// What tells a file or folder from another that takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u64, u64);

impl Identity {
    /// Where the system gives files no number, all are one.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Self(metadata.dev(), metadata.ino())
        }
        #[cfg(not(unix))]
        {
            let _ = metadata;
            Self(0, 0)
        }
    }
}

/// Why there is nothing to read.
pub(crate) enum Unread {
    /// There is no such file.
    Missing,
    /// Something else is there.
    NoFile(&'static str),
    /// It cannot be read, for the moment or for good.
    Failed(io::Error),
}

/// What is in a file; `None` where there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match read_file(path) {
        Ok((text, _)) => Ok(Some(text)),
        Err(Unread::Missing) => Ok(None),
        Err(Unread::NoFile(what)) => Err(error::unusable(path, what)),
        Err(Unread::Failed(error)) => Err(error::at(path, "read", error)),
    }
}

/// What is in a file, and what was known of it before it was read.
pub(crate) fn read_file(path: &Path) -> Result<(Vec<u8>, Metadata), Unread> {
    let mut file = match open(path) {
        Ok(file) => file,
        Err(error) if is_missing(&error) => return Err(Unread::Missing),
        Err(error) => {
            let found = fs::symlink_metadata(path).ok();
            let other = found.and_then(|found| what_else(found.file_type()));
            return Err(other.map_or(Unread::Failed(error), Unread::NoFile));
        }
    };
    let metadata = file.metadata().map_err(Unread::Failed)?;
    if let Some(what) = what_else(metadata.file_type()) {
        return Err(Unread::NoFile(what));
    }
    let mut text = Vec::new();
    text.try_reserve_exact(usize::try_from(metadata.len()).unwrap_or(usize::MAX))
        .map_err(|_| Unread::Failed(io::ErrorKind::OutOfMemory.into()))?;
    // A file by itself would ask for its length and its position again.
    let read = file.by_ref().take(u64::MAX).read_to_end(&mut text);
    read.map_err(Unread::Failed)?;
    Ok((text, metadata))
}

/// Opens a file without following a link or waiting for the other end of a pipe.
#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(target_os = "linux"))]
fn open(path: &Path) -> io::Result<File> {
    if what_else(fs::symlink_metadata(path)?.file_type()).is_some() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    OpenOptions::new().read(true).open(path)
}

/// What is there instead of a file.
pub(crate) fn what_else(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_symlink() {
        Some("it is a link; put what it leads to in its place")
    } else if kind.is_dir() {
        Some("it is a folder, and should be a file")
    } else {
        Some("it is a pipe or a device, and should be a file")
    }
}

/// Fails where there is a link.
pub(super) fn check_no_link(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            Err(error::unusable(path, "it is a link; put what it leads to in its place"))
        }
        _ => Ok(()),
    }
}
