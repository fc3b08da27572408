//! PostgreSQL: a real server, on which each test has a database of its own.
#![cfg(not(target_family = "wasm"))]

use std::{
    collections::HashMap,
    env, process,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use storehouse::postgres::{PostgresBackend, PostgresOptions};
use storehouse_conformance::{
    model::{self, Options},
    native::block_on,
};
use storehouse_runtime::{DynBackend, Store};

/// The URL of the server's own database.
fn server() -> String {
    env::var("STOREHOUSE_TEST_POSTGRES_URL").expect(
        "a PostgreSQL server is needed: run `cargo xtask test`, which starts one, or set \
         STOREHOUSE_TEST_POSTGRES_URL to the URL of a server on which databases may be created",
    )
}

async fn on_server(sql: String) {
    let mut connection = PgConnection::connect(&server()).await.expect("the server answers");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("the server obeys");
    connection.close().await.expect("the connection closes");
}

/// The databases of one test, dropped with it.
#[derive(Default)]
struct Databases(Mutex<HashMap<String, String>>);

impl Databases {
    /// The URL of the database of that name, which is created when it is new.
    async fn url(&self, database: &str) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let known = self.names().get(database).cloned();
        let name = if let Some(name) = known {
            name
        } else {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("storehouse_test_{}_{number}", process::id());
            on_server(format!("CREATE DATABASE {name} TEMPLATE template0")).await;
            self.names().insert(database.to_owned(), name.clone());
            name
        };
        let server = server();
        let (address, _) = server.rsplit_once('/').expect("the URL names a database");
        format!("{address}/{name}")
    }

    fn names(&self) -> MutexGuard<'_, HashMap<String, String>> {
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

impl Drop for Databases {
    fn drop(&mut self) {
        let names: Vec<String> = self.names().drain().map(|(_, name)| name).collect();
        // On a thread of its own, since the test's runtime may be under way.
        let dropped = std::thread::spawn(move || {
            for name in names {
                block_on(on_server(format!("DROP DATABASE {name} WITH (FORCE)")));
            }
        });
        // A test that failed has said so already.
        let _ = dropped.join();
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
