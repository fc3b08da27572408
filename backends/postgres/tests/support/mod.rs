//! What the tests share: a table, and a backend on a database of its own.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test file is a program of its own and uses a part of this"
)]

mod proxy;
pub mod server;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{AssertSqlSafe, PgConnection};
use storehouse::{Result, Store, Table, Tabular};
use storehouse_postgres::{PostgresBackend, PostgresOptions, Statistics};
use storehouse_test_postgres::Database;

pub use self::proxy::{Cut, Proxy};

/// No test takes so long unless something hangs.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Something with a key that the test gives, and a name that nothing else has.
#[derive(Table, Clone, Debug, PartialEq)]
pub struct Item {
    #[table(key)]
    pub id: i64,
    #[table(unique)]
    pub name: String,
    pub amount: i64,
}

/// An item whose name follows from its id.
pub fn item(id: i64) -> Item {
    Item { id, name: format!("item {id}"), amount: id * 10 }
}

/// Something with a key that the database gives.
#[derive(Table, Clone, Debug, PartialEq)]
pub struct Entry {
    #[table(key, auto)]
    pub id: i64,
    #[table(unique)]
    pub name: String,
}

/// A store, and how much its operations share.
#[derive(Clone)]
pub struct Opened {
    pub backend: PostgresBackend,
    pub store: Store,
}

impl Opened {
    /// Opens a database by its URL.
    pub async fn open(
        url: &str,
        options: impl FnOnce(PostgresOptions) -> PostgresOptions,
    ) -> Result<Self> {
        let options = options(PostgresOptions::from_url(url)?);
        let backend = PostgresBackend::open(options).await?;
        Ok(Self { store: Store::from_backend(Arc::new(backend.clone())), backend })
    }

    /// A table that is set up.
    pub async fn table<T: Table>(&self) -> Tabular<T> {
        let table = self.store.tabular::<T>().await.unwrap();
        table.setup_database().await.unwrap();
        table
    }

    pub fn statistics(&self) -> Statistics {
        self.backend.statistics()
    }
}

/// A database of its own, opened.
pub async fn open(options: impl FnOnce(PostgresOptions) -> PostgresOptions) -> (Database, Opened) {
    let database = Database::create().await;
    let opened = Opened::open(database.url(), options).await.unwrap();
    (database, opened)
}

/// Fails when the work does not come to its end.
pub async fn in_time<R>(work: impl Future<Output = R>) -> R {
    tokio::time::timeout(PATIENCE, work).await.expect("this hangs")
}

/// A transaction besides the backend's, in which something was done. It ends with its connection.
pub struct Other(PgConnection);

impl Other {
    pub async fn hold(database: &Database, sql: &str) -> Self {
        let mut other = Self(database.connect().await);
        other.run("BEGIN").await;
        other.run(sql).await;
        other
    }

    pub async fn run(&mut self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.0).await.unwrap();
    }
}

/// Notes each change of an item in another table, in the order in which they happen.
pub async fn log_changes(database: &Database) {
    database
        .run(
            "CREATE TABLE changes (place bigserial, id bigint, amount bigint);
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO changes (id, amount) VALUES (NEW.id, NEW.amount);
                 RETURN NEW;
             END $$;
             CREATE TRIGGER note AFTER INSERT OR UPDATE ON item FOR EACH ROW
                 EXECUTE FUNCTION note();",
        )
        .await;
}

/// The amounts that an item has had, in order.
pub async fn logged(database: &Database, id: i64) -> Vec<i64> {
    sqlx::query_scalar("SELECT amount FROM changes WHERE id = $1 ORDER BY place")
        .bind(id)
        .fetch_all(&mut database.connect().await)
        .await
        .unwrap()
}

/// Runs all of them at once, each as a task of its own.
pub async fn at_once<F>(work: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    // All are there before the first is awaited.
    let tasks: Vec<_> = work.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(in_time(task).await.unwrap());
    }
    answers
}

/// The same, with a network that passes nothing on until the last of them has begun: they cannot
/// but be under way together.
pub async fn together<F>(network: &Proxy, work: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let begun = Arc::new(AtomicUsize::new(0));
    network.hold();
    let tasks: Vec<_> = work
        .into_iter()
        .map(|work| {
            let begun = Arc::clone(&begun);
            tokio::spawn(async move {
                begun.fetch_add(1, Ordering::Relaxed);
                work.await
            })
        })
        .collect();
    while begun.load(Ordering::Relaxed) < tasks.len() {
        tokio::task::yield_now().await;
    }
    network.release();
    at_once(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// Puts all of them at once.
pub async fn put_at_once(
    items: &Tabular<Item>,
    rows: impl IntoIterator<Item = Item>,
) -> Vec<Result<Item>> {
    let put = |row| {
        let items = items.clone();
        async move { items.put(row).await }
    };
    at_once(rows.into_iter().map(put)).await
}

/// Gets all of them at once.
pub async fn get_at_once(
    items: &Tabular<Item>,
    ids: impl IntoIterator<Item = i64>,
) -> Vec<Result<Option<Item>>> {
    let get = |id| {
        let items = items.clone();
        async move { items.get(&id).await }
    };
    at_once(ids.into_iter().map(get)).await
}
