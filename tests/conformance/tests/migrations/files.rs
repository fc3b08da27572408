//! Written migrations, run by sqlx itself.

use std::{fs, path::Path};

use chrono::{DateTime, TimeZone as _, Utc};
use sqlx::{migrate::Migrator, postgres::PgPool, sqlite::SqlitePool};
use storehouse::{Clock, Error, OpenStore as _, Store, Table};
use storehouse_test_postgres::Database;

/// A clock that stands.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 5, 4, 12, 0, 0).unwrap()
    }
}

async fn open(url: &str) -> Store {
    Store::builder().clock(Noon).open(url).await.unwrap()
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "products", index(category))]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(unique)]
    sku: String,
    category: String,
    stock: String,
}

/// [`Product`] later: renamed, retyped, with more, and with less.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "products", index(kind))]
struct Newer {
    #[table(key, auto)]
    id: i64,
    #[table(unique)]
    sku: String,
    #[table(rename_from = "category")]
    kind: Option<String>,
    stock: i64,
    #[table(default = "it's; -- new".to_owned())]
    note: String,
}

/// [`Newer`] without its note.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "products", index(kind))]
struct Lossy {
    #[table(key, auto)]
    id: i64,
    #[table(unique)]
    sku: String,
    kind: Option<String>,
    stock: i64,
}

/// Something that a foreign key of the program's own hangs on.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "orders")]
struct Order {
    #[table(key)]
    id: i64,
    product: i64,
}

/// Writes a migration for each version, lets `run` run them after each, and looks.
async fn each_version<F: AsyncFn(&Path)>(url: &str, run: F) {
    let folder = tempfile::tempdir().unwrap();
    let migrations = folder.path().join("migrations");
    let store = open(url).await;
    let first = store.migration().table::<Product>().table::<Order>();
    let file = first.write_migration(&migrations, "first").await.unwrap().unwrap();
    assert_eq!(file.version, 20_260_504_120_000);
    assert_eq!(file.path, migrations.join("20260504120000_first.sql"));
    assert_eq!(fs::read_to_string(&file.path).unwrap(), file.sql);
    run(&migrations).await;
    let again = store.migration().table::<Product>().table::<Order>();
    again.verify().await.unwrap();

    let products = store.tabular::<Product>().await.unwrap();
    for sku in ["a", "b", "c"] {
        let (sku, category) = (sku.to_owned(), "tools".to_owned());
        let row = ProductInsert { sku, category, stock: "7".to_owned() };
        products.put(row).await.unwrap();
    }
    products.delete(&3).await.unwrap();
    let orders = store.tabular::<Order>().await.unwrap();
    orders.put(Order { id: 1, product: 1 }).await.unwrap();

    // Another store, as a program that is started anew.
    let store = open(url).await;
    let plan = store.migration().table::<Newer>().plan().await.unwrap();
    let file = plan.write_migration(&migrations, "newer").unwrap().unwrap();
    // No two have one version, though the clock stands.
    assert_eq!(file.version, 20_260_504_120_001);
    run(&migrations).await;
    store.migration().table::<Newer>().verify().await.unwrap();
    let newer = store.tabular::<Newer>().await.unwrap();
    let note = "it's; -- new".to_owned();
    let kind = Some("tools".to_owned());
    let row = |id, sku: &str| Newer {
        id,
        sku: sku.into(),
        kind: kind.clone(),
        stock: 7,
        note: note.clone(),
    };
    assert_eq!(newer.get_all().await.unwrap(), [row(1, "a"), row(2, "b")]);
    assert_eq!(store.tabular::<Order>().await.unwrap().size().await.unwrap(), 1);
    let next = newer.put(NewerInsert { sku: "d".into(), stock: 1 }).await.unwrap();
    assert_eq!(next.id, 4);

    // Nothing to do, nothing written. And nothing is lost without a word.
    let nothing = store.migration().table::<Newer>().write_migration(&migrations, "nothing").await;
    assert_eq!(nothing.unwrap(), None);
    let lossy = store.migration().table::<Lossy>();
    let error = lossy.write_migration(&migrations, "lossy").await.unwrap_err();
    assert!(matches!(error, Error::Validation { .. }), "{error}");
    let bad = store.migration().table::<Lossy>().allow_destructive();
    let error = bad.write_migration(&migrations, "../bad").await.unwrap_err();
    assert!(matches!(error, Error::Validation { .. }), "{error}");
    assert_eq!(fs::read_dir(&migrations).unwrap().count(), 2);
}

#[tokio::test]
async fn of_sqlite_are_run_by_sqlx() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shop.db").display());
    drop(open(&url).await);
    let pool = SqlitePool::connect(&url).await.unwrap();
    each_version(&url, async |migrations| {
        Migrator::new(migrations).await.unwrap().run(&pool).await.unwrap();
    })
    .await;
}

/// A table that is written anew, while a foreign key says that what refers to a row goes with it.
#[tokio::test]
async fn of_sqlite_keep_what_refers_to_a_table_that_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shop.db").display());
    drop(open(&url).await);
    let pool = SqlitePool::connect(&url).await.unwrap();
    each_version(&url, async |migrations| {
        let lines = || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM lines").fetch_one(&pool);
        if lines().await.is_ok() {
            // What was put since the first version refers to it.
            let line = sqlx::raw_sql("INSERT INTO lines SELECT id FROM products");
            assert_eq!(line.execute(&pool).await.unwrap().rows_affected(), 2);
        }
        Migrator::new(migrations).await.unwrap().run(&pool).await.unwrap();
        let line = "CREATE TABLE IF NOT EXISTS lines (
                        product INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE)";
        let is_new = lines().await.is_err();
        sqlx::raw_sql(line).execute(&pool).await.unwrap();
        assert_eq!(lines().await.unwrap(), if is_new { 0 } else { 2 });
        let on: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&pool).await.unwrap();
        assert_eq!(on, 1);
    })
    .await;
}

#[tokio::test]
async fn of_postgres_are_run_by_sqlx() {
    let database = Database::create().await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    each_version(database.url(), async |migrations| {
        Migrator::new(migrations).await.unwrap().run(&pool).await.unwrap();
    })
    .await;
    pool.close().await;
}
