//! One store's folder: where things are in it, its lock, and whether it is what it should be.
//!
//! What belongs to Storehouse and to no row is in `.storehouse/` inside of it: the lock that keeps
//! writers of all processes apart, files that are not finished, the journal of a write of several
//! files, and the definition.

mod commit;
mod file;
mod journal;
mod lock;
mod stamp;

use std::{
    fs, io,
    path::{self, Path, PathBuf},
    sync::{Mutex, atomic::AtomicBool},
};

use serde_json::Value as Json;
use storehouse_runtime::{Error, Result};

pub(crate) use self::{
    commit::{Committed, Edit},
    file::{Identity, Unread, read, read_file, what_else},
    lock::{Access, Held},
    stamp::Stamp,
};
use crate::{definition, error, options::FolderOptions};

/// The folder of what is Storehouse's own.
const OWN: &str = ".storehouse";

/// What versions of a folder are not to be kept of.
const IGNORED: &str = "# What a folder needs while programs use it. The rest of it can be kept.\n\
                       lock\ngeneration\njournal.json\ntemporary/\nexpiring/\nchanges/\n";

/// A store's folder.
pub(crate) struct Folder {
    /// The store's name, for messages.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    durable: bool,
    /// The open lock file, once it was needed.
    lock: Mutex<Option<fs::File>>,
    /// Whether what earlier processes left unfinished was removed.
    is_clean: AtomicBool,
}

impl Folder {
    pub(crate) fn new(name: &str, path: PathBuf, options: &FolderOptions) -> Self {
        Self {
            name: name.to_owned(),
            // It stays where it is when the program goes to another folder.
            path: path::absolute(&path).unwrap_or(path),
            durable: options.durable,
            lock: Mutex::default(),
            is_clean: AtomicBool::new(false),
        }
    }

    /// Which folder is at the path now, so that another in its place is told from it.
    pub(crate) fn identity(&self) -> Option<Identity> {
        fs::metadata(&self.path).ok().map(|metadata| Identity::of(&metadata))
    }

    /// A file or folder of Storehouse's own.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.path.join(OWN).join(name)
    }

    /// The path of a file by its place in the folder, with `/` between the parts.
    pub(crate) fn at(&self, place: &str) -> PathBuf {
        if cfg!(unix) {
            return self.path.join(place);
        }
        let mut path = self.path.clone();
        path.extend(place.split('/'));
        path
    }

    /// A file of Storehouse's own by its place in the folder, for edits.
    pub(crate) fn own_place(name: &str) -> String {
        format!("{OWN}/{name}")
    }

    fn definition(&self) -> PathBuf {
        self.own("definition.json")
    }

    /// Fails with [`Error::Schema`] when the folder was not set up, or for something else.
    pub(crate) fn check(&self, wanted: &Json) -> Result<()> {
        self.check_own()?;
        let path = self.definition();
        match read(&path)? {
            None => Err(error::not_set_up(&self.name, &self.path)),
            Some(text) => self.compare(&path, &text, wanted),
        }
    }

    fn compare(&self, path: &Path, text: &[u8], wanted: &Json) -> Result<()> {
        let found: Json = serde_json::from_slice(text)
            .map_err(|error| error::unusable(path, &format!("it is no JSON: {error}")))?;
        match definition::difference(&found, wanted) {
            None => Ok(()),
            Some(difference) => Err(error::differs(&self.name, &self.path, &difference)),
        }
    }

    /// Makes the folder, or fails with [`Error::Schema`] when it is there for something else.
    pub(crate) fn set_up(&self, wanted: &Json) -> Result<()> {
        self.check_own()?;
        // Nothing has to be written where everything is there, which may be read-only.
        if let Some(text) = read(&self.definition())? {
            return self.compare(&self.definition(), &text, wanted);
        }
        // Those in which a folder is made: the innermost that is there, and all within it.
        let around: Vec<&Path> = self.path.ancestors().skip(1).collect();
        let is_there = |folder: &&Path| fs::exists(folder).unwrap_or(true);
        let changed = around.iter().position(is_there).map_or(&[][..], |last| &around[..=last]);
        make_folders(&self.own("temporary"))?;
        if self.durable {
            // That a folder is there after a power failure is written in the one around it. So it is
            // before anybody takes this one for set up.
            for folder in changed {
                // One that may not be opened is another's, and was there before.
                let _ = commit::sync_folder(folder);
            }
        }
        let held = self.lock(Access::Exclusive)?;
        if let Some(text) = read(&self.definition())? {
            return self.compare(&self.definition(), &text, wanted);
        }
        let mut text = serde_json::to_vec_pretty(wanted).unwrap_or_default();
        text.push(b'\n');
        self.commit(&held, vec![Edit::write(Self::own_place(".gitignore"), IGNORED.into())])?;
        self.commit(&held, vec![Edit::write(Self::own_place("definition.json"), text)])?;
        Ok(())
    }

    /// Nothing of Storehouse's own is a link, which could lead out of the folder.
    fn check_own(&self) -> Result<()> {
        // Not by `own("")`, which ends with a slash, and so would follow it.
        let own = self.path.join(OWN);
        file::check_no_link(&own)?;
        // Other files are read without following a link, and written by a rename.
        ["temporary", "changes", "expiring", "lock", "generation"]
            .iter()
            .try_for_each(|name| file::check_no_link(&own.join(name)))
    }

    /// The same of the folders between this one and a place.
    pub(crate) fn check_parents(&self, place: &str) -> Result<()> {
        let mut rest = place;
        while let Some((folder, _)) = rest.rsplit_once('/') {
            file::check_no_link(&self.at(folder))?;
            rest = folder;
        }
        Ok(())
    }
}

/// Makes a folder, and those around it.
pub(crate) fn make_folders(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => Error::schema(format!(
            "`{}` is no folder; move it away, or use another name",
            path.display()
        )),
        _ => error::at(path, "made", error),
    })
}

/// Whether an error says that there is no such file, and not that something is wrong.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
