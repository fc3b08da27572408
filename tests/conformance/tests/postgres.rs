//! PostgreSQL: a real server, on which each test has a database of its own.
#![cfg(not(target_family = "wasm"))]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use storehouse::postgres::{PostgresBackend, PostgresOptions};
use storehouse_conformance::{
    model::{self, Options},
    native::block_on,
};
use storehouse_runtime::{DynBackend, Store};
use storehouse_test_postgres::Database;

/// The databases of one test, dropped with it.
#[derive(Default)]
struct Databases(Mutex<HashMap<String, Database>>);

impl Databases {
    /// The URL of the database of that name, which is created when it is new.
    async fn url(&self, database: &str) -> String {
        let known = self.known().get(database).map(|known| known.url().to_owned());
        if let Some(url) = known {
            return url;
        }
        let created = Database::create().await;
        let url = created.url().to_owned();
        self.known().insert(database.to_owned(), created);
        url
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Database>> {
        self.0.lock().expect("nobody panics while it is locked")
    }

    async fn store(&self, database: &str) -> Store {
        storehouse::open(&self.url(database).await).await.expect("the database opens")
    }

    async fn backend(&self, database: &str, coalescing: bool) -> Arc<dyn DynBackend> {
        let options = PostgresOptions::from_url(&self.url(database).await).expect("a URL");
        let backend = PostgresBackend::open(options.coalescing(coalescing)).await;
        Arc::new(backend.expect("the database opens"))
    }
}

storehouse_conformance::conformance_tests!({
    let databases = Databases::default();
    async move |database: &str| databases.store(database).await
});

#[test]
fn behaves_as_the_model_does() {
    let databases = Databases::default();
    let open = async |database: &str| databases.backend(database, true).await;
    let tally = block_on(model::check(open, Options::from_environment())).unwrap();
    eprintln!("{tally}");
}

mod without_coalescing {
    use super::*;

    storehouse_conformance::conformance_tests!({
        let databases = Databases::default();
        async move |database: &str| Store::from_backend(databases.backend(database, false).await)
    });
}
