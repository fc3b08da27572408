//! What goes wrong with files, in words that say what to do.

use std::{io, path::Path};

use storehouse_runtime::Error;

/// An operating system's error at a path.
pub(crate) fn at(path: &Path, doing: &str, error: io::Error) -> Error {
    let path = path.display();
    // EMFILE and ENFILE, in which there is no disk and no folder to look at.
    let are_too_many_open = cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24));
    let advice = match error.kind() {
        _ if are_too_many_open => "too many files are open; raise the limit (`ulimit -n`)",
        io::ErrorKind::StorageFull => "the disk is full; free some space and repeat",
        io::ErrorKind::QuotaExceeded => "the quota is used up; free some space and repeat",
        io::ErrorKind::ReadOnlyFilesystem => "the folder is read-only; reads go on",
        io::ErrorKind::PermissionDenied => {
            "the program may not do that; change the rights of the folder"
        }
        io::ErrorKind::InvalidFilename => {
            "the file system does not take so long a name; use a shorter key"
        }
        _ => "look at the folder",
    };
    if error.kind() == io::ErrorKind::InvalidFilename {
        return Error::validation(format!("`{path}` cannot be {doing}: {advice}"));
    }
    let retryable = are_too_many_open
        || matches!(
            error.kind(),
            io::ErrorKind::Interrupted
                | io::ErrorKind::TimedOut
                | io::ErrorKind::ResourceBusy
                | io::ErrorKind::StaleNetworkFileHandle
        );
    Error::Backend {
        message: format!("`{path}` cannot be {doing}: {advice} ({error})"),
        retryable,
        source: Some(error.into()),
        context: Box::default(),
    }
}

/// A file that is there and is not what it has to be.
pub(crate) fn unusable(path: &Path, why: &str) -> Error {
    let path = path.display();
    let advice = "mend it, or move it out of the folder; it is left as it is";
    Error::backend(format!("`{path}` cannot be used: {why}; {advice}"), None)
}

/// A folder that nobody set up.
pub(crate) fn not_set_up(name: &str, path: &Path) -> Error {
    Error::schema(format!(
        "`{name}` does not exist in `{}`; call `setup_database()` first",
        path.display()
    ))
}

/// A folder that is something else.
pub(crate) fn differs(name: &str, path: &Path, difference: &str) -> Error {
    Error::schema(format!(
        "`{name}` in `{}` is another: {difference}; open it with the definition that it was set up \
         with, or use another name",
        path.display()
    ))
}
