//! One store's folder: where things are in it, its lock, and whether it is what it should be.
//!
//! What belongs to Storehouse and to no row is in `.storehouse/` inside of it: the lock that keeps
//! writers of all processes apart, files that are not finished, the journal of a write of several
//! files, and the definition.

mod commit;
mod journal;
mod lock;
mod stamp;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, atomic::AtomicBool},
};

use serde_json::Value as Json;
use storehouse_runtime::{Error, Result};

pub(crate) use self::{
    commit::Edit,
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
            path,
            durable: options.durable,
            lock: Mutex::default(),
            is_clean: AtomicBool::new(false),
        }
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
        // Nothing has to be written where everything is there, which may be read-only.
        if let Some(text) = read(&self.definition())? {
            return self.compare(&self.definition(), &text, wanted);
        }
        for folder in [self.path.clone(), self.own("temporary")] {
            make_folders(&folder)?;
        }
        let held = self.lock(Access::Exclusive)?;
        if let Some(text) = read(&self.definition())? {
            return self.compare(&self.definition(), &text, wanted);
        }
        let mut text = serde_json::to_vec_pretty(wanted).unwrap_or_default();
        text.push(b'\n');
        self.commit(&held, vec![Edit::write(Self::own_place(".gitignore"), IGNORED.into())])?;
        self.commit(&held, vec![Edit::write(Self::own_place("definition.json"), text)])?;
        drop(held);
        self.sync_parents();
        Ok(())
    }

    /// That the folder is there after a power failure is written in the folder around it.
    fn sync_parents(&self) {
        if self.durable {
            let parents = self.path.ancestors().skip(1).take(2);
            for parent in parents.filter(|parent| !parent.as_os_str().is_empty()) {
                // One that may not be opened is another's, and was there before.
                let _ = commit::sync_folder(parent);
            }
        }
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

/// What is in a file; `None` where there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error::at(path, "read", error)),
    }
}

/// Whether an error says that there is no such file, and not that something is wrong.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
