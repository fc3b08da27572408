//! Writing files so that they are there whole or not at all, and several of them together.
//!
//! One file: write another beside it, sync, rename, sync the folder. Several: all are written beside
//! first, then a [journal](super::journal) says which belong where, and from then on it is
//! done, whoever puts them in place. So a full disk is noticed before anything has changed.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use storehouse_runtime::Result;

use super::{Folder, Held, Stamp, is_missing, journal::Planned, make_folders, what_else};
use crate::error;

/// From so many files on, the file system is synced as a whole, which is quicker then.
#[cfg(target_os = "linux")]
const MANY: usize = 48;

/// What is to become of one file of a folder.
pub(crate) struct Edit {
    /// Its place in the folder, with `/` between the parts.
    pub(crate) place: String,
    /// What is to be in it; `None` to delete it.
    pub(crate) contents: Option<Vec<u8>>,
}

impl Edit {
    pub(crate) fn write(place: String, contents: Vec<u8>) -> Self {
        Self { place, contents: Some(contents) }
    }

    pub(crate) fn delete(place: String) -> Self {
        Self { place, contents: None }
    }
}

/// What a write came to.
pub(crate) struct Committed {
    /// The stamps of the files that were written, in the order of the edits.
    pub(crate) stamps: Vec<Option<Stamp>>,
    /// Whether the files are where they belong. Where not, the journal says where to read them, and
    /// whoever has the lock next tries again.
    pub(crate) is_in_place: bool,
}

/// A file that was written beside its place.
struct Staged {
    planned: Planned,
    stamp: Option<Stamp>,
}

impl Folder {
    /// Does all of the edits or none.
    pub(crate) fn commit(&self, held: &Held, edits: Vec<Edit>) -> Result<Committed> {
        let _ = held;
        let done = |stamps| Committed { stamps, is_in_place: true };
        self.prepare(&edits)?;
        match &edits[..] {
            [] => return Ok(done(Vec::new())),
            [Edit { place, contents: None }] => {
                self.in_open_folders(place, || self.remove(place))?;
                return Ok(done(vec![None]));
            }
            _ => {}
        }
        let mut staged = Vec::with_capacity(edits.len());
        if let Err(error) = self.stage(edits, &mut staged) {
            self.discard(&staged);
            return Err(error);
        }
        let planned: Vec<Planned> = staged.iter().map(|staged| staged.planned.clone()).collect();
        let mut is_in_place = true;
        if let [Planned { place, from: Some(from) }] = &planned[..] {
            if let Err(error) = self.in_open_folders(place, || self.rename(from, place)) {
                self.discard(&staged);
                return Err(error);
            }
        } else {
            if let Err(error) = self.write_journal(&planned) {
                // It may be there and not be on the disk for sure. While it is, what it tells of
                // stays, or whoever goes by it would do a part.
                if self.withdraw_journal() {
                    self.discard(&staged);
                }
                return Err(error);
            }
            // It is done from here on. What cannot be put in place now is put there later.
            if let Err(error) = self.put_in_place(&planned).and_then(|()| self.end_journal()) {
                tracing::warn!(target: "storehouse", %error, "a write is not in its place yet");
                is_in_place = false;
            }
            self.turn_generation();
        }
        let stamps = staged.into_iter().map(|staged| staged.stamp).collect();
        Ok(Committed { stamps, is_in_place })
    }

    /// Makes the folders, and looks for what would be in the way, while nothing has changed yet.
    fn prepare(&self, edits: &[Edit]) -> Result<()> {
        let mut folders = BTreeSet::new();
        for Edit { place, contents } in edits {
            let folder = place.rsplit_once('/').map(|(folder, _)| folder);
            // Storehouse's own were looked at when the folder was opened.
            if folder.is_some_and(|folder| !folder.starts_with(super::OWN)) {
                self.check_parents(place)?;
            }
            folders.extend(folder.filter(|_| contents.is_some()));
            let path = self.at(place);
            let there = fs::symlink_metadata(&path).ok();
            if let Some(what) = there.and_then(|found| what_else(found.file_type())) {
                return Err(error::unusable(&path, what));
            }
        }
        folders.into_iter().try_for_each(|folder| make_folders(&self.at(folder)))
    }

    /// Writes every file beside its place, and syncs them.
    fn stage(&self, edits: Vec<Edit>, staged: &mut Vec<Staged>) -> Result<()> {
        let one_by_one = !syncs_at_once(edits.len());
        for Edit { place, contents } in edits {
            let Some(contents) = contents else {
                staged.push(Staged { planned: Planned { place, from: None }, stamp: None });
                continue;
            };
            let name = unique_name();
            let path = self.temporary(&name);
            // Noted first, so that it is removed also when it was begun only.
            let planned = Planned { place, from: Some(name) };
            staged.push(Staged { planned, stamp: None });
            let stamp = self
                .write_staged(&path, &contents, self.durable && one_by_one)
                .map_err(|error| error::at(&path, "written", error))?;
            if let Some(staged) = staged.last_mut() {
                staged.stamp = Some(stamp);
            }
        }
        if self.durable && staged.len() > 1 {
            let folder = self.own("temporary");
            let synced = if one_by_one { sync_folder(&folder) } else { sync_all(&folder) };
            synced.map_err(|error| error::at(&folder, "synced", error))?;
        }
        Ok(())
    }

    /// Writes a file that is not finished. Its folder is missing in a copy that version control made.
    fn write_staged(&self, path: &Path, contents: &[u8], sync: bool) -> io::Result<Stamp> {
        write_file(path, contents, sync).or_else(|error| {
            if !is_missing(&error) || !fs::exists(self.own("")).unwrap_or(false) {
                return Err(error);
            }
            make_folders(&self.own("temporary")).map_err(io::Error::other)?;
            write_file(path, contents, sync)
        })
    }

    fn discard(&self, staged: &[Staged]) {
        for staged in staged {
            if let Some(from) = &staged.planned.from {
                // What stays is removed by the next who has the lock.
                let _ = fs::remove_file(self.temporary(from));
            }
        }
        self.is_clean.store(false, Ordering::Relaxed);
    }

    /// Moves the files to where they belong, and deletes those that are to be deleted. Doing it
    /// again changes nothing.
    pub(super) fn put_in_place(&self, planned: &[Planned]) -> Result<()> {
        for planned in planned {
            match &planned.from {
                None => self.remove(&planned.place)?,
                Some(from) => self.rename(from, &planned.place)?,
            }
        }
        self.sync_places(planned.iter().map(|planned| planned.place.as_str()))
    }

    fn rename(&self, from: &str, place: &str) -> Result<()> {
        let (from, to) = (self.temporary(from), self.at(place));
        let renamed = fs::rename(&from, &to).or_else(|error| {
            let is_folder_missing = is_missing(&error) && fs::exists(&from).unwrap_or(false);
            match to.parent() {
                Some(parent) if is_folder_missing => {
                    make_folders(parent).map_err(io::Error::other)?;
                    fs::rename(&from, &to)
                }
                _ => Err(error),
            }
        });
        match renamed {
            Ok(()) => Ok(()),
            // It is there already.
            Err(error) if is_missing(&error) && !fs::exists(&from).unwrap_or(true) => Ok(()),
            Err(error) => Err(error::at(&to, "written", error)),
        }
    }

    /// Deletes a file, and the folders around it that are empty then.
    fn remove(&self, place: &str) -> Result<()> {
        let path = self.at(place);
        match fs::remove_file(&path) {
            Err(error) if !is_missing(&error) => return Err(error::at(&path, "deleted", error)),
            _ => {}
        }
        let mut rest = place;
        while let Some((folder, _)) = rest.rsplit_once('/') {
            // It fails where something is left in it.
            if folder.starts_with(super::OWN) || fs::remove_dir(self.at(folder)).is_err() {
                break;
            }
            rest = folder;
        }
        Ok(())
    }

    /// Does the one edit of a place. What is needed to sync the folders is there before, so that nothing
    /// but the disk itself can fail once the edit is done.
    fn in_open_folders(&self, place: &str, edit: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut folders = Vec::new();
        for path in self.folders_of([place]) {
            match open_folder(&path) {
                Ok(folder) => folders.push((folder, path)),
                // Of what is deleted, and was not there.
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(error::at(&path, "opened", error)),
            }
        }
        edit()?;
        self.turn_generation();
        folders.into_iter().try_for_each(|(folder, path)| {
            let synced = folder.map_or(Ok(()), |folder| folder.sync_all());
            synced.map_err(|error| error::at(&path, "synced", error))
        })
    }

    /// Syncs the folders in which the places are, and those around them, up to this one.
    fn sync_places<'a>(&self, places: impl IntoIterator<Item = &'a str>) -> Result<()> {
        for path in self.folders_of(places) {
            match sync_folder(&path) {
                // It was empty, and removed.
                Err(error) if !is_missing(&error) => return Err(error::at(&path, "synced", error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The folders that say what is at the places; none where nothing is synced.
    fn folders_of<'a>(&self, places: impl IntoIterator<Item = &'a str>) -> Vec<PathBuf> {
        let mut folders = BTreeSet::new();
        for place in places.into_iter().take_while(|_| self.durable) {
            let mut rest = place;
            while let Some((folder, _)) = rest.rsplit_once('/') {
                folders.insert(folder);
                rest = folder;
            }
            folders.insert("");
        }
        let path = |folder: &str| match folder {
            "" => self.path.clone(),
            folder => self.at(folder),
        };
        folders.into_iter().map(path).collect()
    }

    /// Removes what processes that died left unfinished. The journal, if any, was done before.
    pub(super) fn clean(&self) {
        if self.is_clean.swap(true, Ordering::Relaxed) {
            return;
        }
        let left = fs::read_dir(self.own("temporary"));
        for entry in left.into_iter().flatten().flatten() {
            // Only what has this backend's form of name is its own.
            if entry.file_name().to_str().is_some_and(is_unique_name) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    pub(super) fn temporary(&self, name: &str) -> PathBuf {
        self.own("temporary").join(name)
    }

    /// Writes an empty file, of which only that it is there counts.
    pub(crate) fn write_mark(&self, path: &Path) -> io::Result<()> {
        match File::create_new(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        match path.parent() {
            Some(folder) if self.durable => sync_folder(folder),
            _ => Ok(()),
        }
    }

    pub(super) fn write_own(&self, name: &str, contents: &[u8]) -> Result<()> {
        let path = self.own(name);
        let staged = self.temporary(&unique_name());
        self.write_whole(&staged, &path, contents)
            .map_err(|error| error::at(&path, "written", error))
    }

    /// Writes a file at `staged` and moves it to `path`.
    fn write_whole(&self, staged: &Path, path: &Path, contents: &[u8]) -> io::Result<()> {
        let written = self
            .write_staged(staged, contents, self.durable)
            .and_then(|_| fs::rename(staged, path));
        if written.is_err() {
            let _ = fs::remove_file(staged);
            return written;
        }
        match path.parent() {
            Some(folder) if self.durable => sync_folder(folder),
            _ => Ok(()),
        }
    }

    pub(super) fn remove_own(&self, name: &str) -> Result<()> {
        let path = self.own(name);
        fs::remove_file(&path)
            .and_then(|()| if self.durable { sync_folder(&self.own("")) } else { Ok(()) })
            .map_err(|error| error::at(&path, "deleted", error))
    }

    /// Lets those who look for changes see that there are some. That they do does not depend on it
    /// for long, so it need not succeed.
    fn turn_generation(&self) {
        static WARNED: AtomicBool = AtomicBool::new(false);
        let generation = self.generation().wrapping_add(1);
        let written = fs::write(self.own("generation"), generation.to_be_bytes());
        if let Err(error) = written
            && !WARNED.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(target: "storehouse", %error, "others will see changes later");
        }
    }

    /// A number that changes with every write through Storehouse.
    pub(crate) fn generation(&self) -> u64 {
        let read = fs::read(self.own("generation")).ok();
        read.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
    }
}

fn write_file(path: &Path, contents: &[u8], sync: bool) -> io::Result<Stamp> {
    let mut file = File::create(path)?;
    file.write_all(contents)?;
    if sync {
        file.sync_all()?;
    }
    file.metadata().map(|metadata| Stamp::of(&metadata))
}

/// A name that no other thread gives, and no other process while this one lives.
fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn is_unique_name(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.split_once('-').is_some_and(|(left, right)| is_number(left) && is_number(right))
}

/// Makes sure that what a folder lists is on the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    open_folder(path)?.map_or(Ok(()), |folder| folder.sync_all())
}

/// A folder, to be synced. Windows does so by itself, and has no way to ask for it.
fn open_folder(path: &Path) -> io::Result<Option<File>> {
    if cfg!(unix) { File::open(path).map(Some) } else { Ok(None) }
}

#[cfg(target_os = "linux")]
fn syncs_at_once(files: usize) -> bool {
    files >= MANY
}

#[cfg(not(target_os = "linux"))]
fn syncs_at_once(_files: usize) -> bool {
    false
}

/// Syncs everything on the file system that a folder is on.
#[cfg(target_os = "linux")]
fn sync_all(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_all(folder: &Path) -> io::Result<()> {
    sync_folder(folder)
}
