//! A folder, in each way to notice what others write to it: by inotify and by looking.
#![cfg(not(target_family = "wasm"))]

use std::sync::Arc;

use storehouse_conformance::{
    model::{self, Options},
    native::block_on,
};
use storehouse_filesystem::{FolderBackend, FolderOptions, Noticing};
use storehouse_runtime::{DynBackend, Store};
use tempfile::TempDir;

/// A folder for each test, so that tests can run at once, and again.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder to work in"))
    }

    /// Without waiting for the disk, which no behaviour depends on; `tests/` of the backend's crate
    /// waits for it.
    fn options(&self, database: &str) -> FolderOptions {
        FolderOptions::new(self.0.path().join(database)).durable(false)
    }
}

mod with_inotify {
    use super::*;

    fn backend(folder: &Folder, database: &str) -> Arc<dyn DynBackend> {
        Arc::new(FolderBackend::open_with(folder.options(database)).expect("the folder opens"))
    }

    async fn open_in(folder: &Folder, database: &str) -> Store {
        let url = format!("fs:{}?durable=no", folder.0.path().join(database).display());
        storehouse::open(&url).await.expect("the folder opens")
    }

    storehouse_conformance::conformance_tests!({
        let folder = Folder::new();
        async move |database: &str| open_in(&folder, database).await
    }, lacks: [transactions, savepoints, row_locks, sql, references, migrations]);

    #[test]
    fn behaves_as_the_model_does() {
        let folder = Folder::new();
        let open = async |database: &str| backend(&folder, database);
        let tally = block_on(model::check(open, Options::from_environment())).unwrap();
        eprintln!("{tally}");
    }
}

mod by_looking {
    use super::*;

    fn backend(folder: &Folder, database: &str) -> Arc<dyn DynBackend> {
        let options = folder.options(database).noticing(Noticing::Scan);
        Arc::new(FolderBackend::open_with(options).expect("the folder opens"))
    }

    storehouse_conformance::conformance_tests!({
        let folder = Folder::new();
        async move |database: &str| Store::from_backend(backend(&folder, database))
    }, lacks: [transactions, savepoints, row_locks, sql, references, migrations]);
}
