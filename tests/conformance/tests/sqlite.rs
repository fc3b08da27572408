//! SQLite, in each way to open it: a file, memory, and a connection that the program opened.
#![cfg(not(target_family = "wasm"))]

use std::{path::PathBuf, sync::Arc};

use rusqlite::Connection;
use storehouse::sqlite::{SqliteBackend, SqliteOptions};
use storehouse_conformance::{
    model::{self, Options},
    native::block_on,
};
use storehouse_runtime::{DynBackend, Store};
use tempfile::TempDir;

/// A folder for each test, so that tests can run at once, and again.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder to work in"))
    }

    fn file(&self, database: &str) -> PathBuf {
        self.0.path().join(database).with_extension("db")
    }
}

async fn opened(options: SqliteOptions) -> Arc<dyn DynBackend> {
    Arc::new(SqliteBackend::open(options).await.expect("the database opens"))
}

mod on_a_file {
    use super::*;

    async fn open_in(folder: &Folder, database: &str) -> Store {
        let url = format!("sqlite://{}", folder.file(database).display());
        storehouse::open(&url).await.expect("the file opens")
    }

    storehouse_conformance::conformance_tests!({
        let folder = Folder::new();
        async move |database: &str| open_in(&folder, database).await
    });

    #[test]
    fn behaves_as_the_model_does() {
        let folder = Folder::new();
        let open = async |database: &str| opened(SqliteOptions::new(folder.file(database))).await;
        let tally = block_on(model::check(open, Options::from_environment())).unwrap();
        eprintln!("{tally}");
    }
}

mod in_memory {
    use super::*;

    async fn open(_database: &str) -> Store {
        storehouse::open("sqlite::memory:").await.expect("memory is always there")
    }

    storehouse_conformance::conformance_tests!(open, lacks: [persistent, multi_process]);

    #[test]
    fn behaves_as_the_model_does() {
        let open = async |_: &str| opened(SqliteOptions::in_memory()).await;
        let options = Options { reads_beside_transactions: false, ..Options::from_environment() };
        let tally = block_on(model::check(open, options)).unwrap();
        eprintln!("{tally}");
    }
}

mod on_a_connection {
    use super::*;

    fn backend() -> Arc<dyn DynBackend> {
        let connection = Connection::open_in_memory().expect("memory is always there");
        Arc::new(SqliteBackend::from_connection(connection).expect("no transaction is open"))
    }

    async fn open(_database: &str) -> Store {
        Store::from_backend(backend())
    }

    storehouse_conformance::conformance_tests!(open, lacks: [persistent, multi_process]);

    #[test]
    fn behaves_as_the_model_does() {
        let open = async |_: &str| backend();
        let options = Options { reads_beside_transactions: false, ..Options::from_environment() };
        let tally = block_on(model::check(open, options)).unwrap();
        eprintln!("{tally}");
    }
}

/// As SQLite opens a file by itself: with a rollback journal, where a reader and a writer of two
/// connections wait for each other.
mod on_a_connection_to_a_file {
    use super::*;

    fn backend(folder: &Folder, database: &str) -> Arc<dyn DynBackend> {
        let connection = Connection::open(folder.file(database)).expect("the file opens");
        Arc::new(SqliteBackend::from_connection(connection).expect("no transaction is open"))
    }

    storehouse_conformance::conformance_tests!({
        let folder = Folder::new();
        async move |database: &str| Store::from_backend(backend(&folder, database))
    });

    #[test]
    fn behaves_as_the_model_does() {
        let folder = Folder::new();
        let open = async |database: &str| backend(&folder, database);
        let options = Options { reads_beside_transactions: false, ..Options::from_environment() };
        let tally = block_on(model::check(open, options)).unwrap();
        eprintln!("{tally}");
    }
}
