//! A database that goes away with its test.

use std::{
    process,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::server;

/// A new, empty database. Dropped, it is gone, also while others are connected to it.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
    users: Vec<String>,
}

impl Database {
    /// Creates one on the server that is given.
    pub async fn create() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("storehouse_test_{}_{number}", process::id());
        run(&server(), &format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        let server = server();
        let (address, _) = server.rsplit_once('/').expect("the URL names a database");
        Self { url: format!("{address}/{name}"), name, users: Vec::new() }
    }

    /// A superuser's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates a user who may connect and no more, with attributes such as `CONNECTION LIMIT 2`,
    /// and gives the URL by which it does.
    pub async fn add_user(&mut self, attributes: &str) -> String {
        let user = format!("{}_user_{}", self.name, self.users.len());
        self.run(&format!("CREATE ROLE {user} LOGIN PASSWORD 'secret' {attributes}")).await;
        let (_, address) = self.url.rsplit_once('@').expect("the URL names a user");
        let url = format!("postgres://{user}:secret@{address}");
        self.users.push(user);
        url
    }

    /// A connection besides those of the backend.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("the server answers")
    }

    /// Runs statements on a connection of their own.
    pub async fn run(&self, sql: &str) {
        run(&self.url, sql).await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let mut statements = vec![format!("DROP DATABASE {} WITH (FORCE)", self.name)];
        statements.extend(self.users.iter().map(|user| format!("DROP ROLE {user}")));
        // On a thread of its own, since the test's runtime may be under way.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime");
            for sql in statements {
                runtime.block_on(run(&server(), &sql));
            }
        });
        // A test that failed has said so already.
        let _ = dropped.join();
    }
}

async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.expect("the server answers");
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("the connection closes");
}
