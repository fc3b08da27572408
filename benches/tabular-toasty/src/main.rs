//! Toasty with its SQLite driver.
//!
//! One system, `toasty`. Its driver runs SQLite on the task that owns the connection, and caches prepared statements;
//! Toasty plans each call and makes the SQL text anew.

use std::hint::black_box;
use std::path::PathBuf;

use tabular_common::{Bench, Case, Draw, Result, Row, in_runtime, sql};
use toasty::Db;
use toasty_driver_sqlite::Sqlite;
use tokio::sync::Mutex;

const SYSTEM: &str = "toasty";

/// Connections of a pool.
const POOL: usize = 8;

/// [`Row`], for the derive.
#[derive(Debug, toasty::Model)]
#[table = "items"]
struct Item {
    #[key]
    id: i64,
    #[index]
    category: String,
    name: String,
    quantity: i64,
    price: f64,
}

fn main() -> Result {
    in_runtime(async {
        let bench = Bench::from_env("sqlite")?;
        small(&bench).await?;
        large(&bench).await?;
        durable_writers(&bench).await
    })
}

async fn small(bench: &Bench) -> Result {
    let db = load(bench.path("small.db"), sql::NORMAL, POOL, Row::SMALL).await?;
    // Toasty asks for an exclusive handle.
    let db = &Mutex::new(db);
    bench
        .run(Case::PointRead, SYSTEM, Draw::key, |keys| async move {
            let mut db = db.lock().await;
            for key in keys {
                black_box(Item::get_by_id(&mut *db, &key).await?);
            }
            Ok(())
        })
        .await?;
    bench
        .run(Case::Put, SYSTEM, Draw::row, |rows| async move {
            let mut db = db.lock().await;
            for row in rows {
                put(&mut db, row).await?;
            }
            Ok(())
        })
        .await?;
    for size in Case::BULK_SIZES {
        bench
            .run(
                Case::PutBulk(size),
                SYSTEM,
                |draw| draw.rows(size),
                |batches| async move {
                    let mut db = db.lock().await;
                    for batch in batches {
                        put_bulk(&mut db, batch).await?;
                    }
                    Ok(())
                },
            )
            .await?;
    }
    let db = db.lock().await;
    bench
        .run_concurrent(Case::ConcurrentReaders, SYSTEM, Draw::key, |keys| {
            let mut db = db.clone();
            async move {
                for key in keys {
                    black_box(Item::get_by_id(&mut db, &key).await?);
                }
                Ok(())
            }
        })
        .await
}

async fn large(bench: &Bench) -> Result {
    let db = &Mutex::new(load(bench.path("large.db"), sql::NORMAL, POOL, Row::LARGE).await?);
    bench
        .run(Case::IndexedQuery, SYSTEM, Draw::category, |categories| async move {
            let mut db = db.lock().await;
            for category in categories {
                let rows = Item::filter_by_category(category).exec(&mut *db).await?;
                assert_eq!(black_box(rows).len(), Row::PER_CATEGORY);
            }
            Ok(())
        })
        .await?;
    bench
        .run(Case::FullScan, SYSTEM, Draw::nothing, |scans| async move {
            let mut db = db.lock().await;
            for () in scans {
                let rows = Item::all().exec(&mut *db).await?;
                assert_eq!(black_box(rows).len(), Row::LARGE);
            }
            Ok(())
        })
        .await
}

/// Durable puts from a pool of one connection: SQLite has one writer at a time, and further connections would wait for
/// it in the busy handler, which sleeps on the worker thread, instead of in the pool's queue.
async fn durable_writers(bench: &Bench) -> Result {
    let db = load(bench.path("durable.db"), sql::FULL, 1, Row::SMALL).await?;
    bench
        .run_concurrent(Case::DurableWriters, SYSTEM, Draw::row, |rows| {
            let mut db = db.clone();
            async move {
                for row in rows {
                    put(&mut db, row).await?;
                }
                Ok(())
            }
        })
        .await
}

async fn load(path: PathBuf, modes: &str, connections: usize, rows: usize) -> Result<Db> {
    let mut db = Db::builder()
        .models(toasty::models!(Item))
        .max_pool_size(connections)
        .build(Sqlite::open(path))
        .await?;

    // There is no hook for a new connection, so all that the pool may have are opened at once.
    let mut opened = Vec::new();
    for _ in 0..connections {
        let mut connection = db.connection().await?;
        for pragma in statements(modes) {
            toasty::sql::query(pragma).exec(&mut connection).await?;
        }
        opened.push(connection);
    }
    drop(opened);

    for statement in statements(sql::SCHEMA) {
        toasty::sql::statement(statement).exec(&mut db).await?;
    }
    let mut transaction = db.transaction().await?;
    let mut rows = Row::first(rows).into_iter().peekable();
    while rows.peek().is_some() {
        let mut creation = Item::create_many();
        for Row { id, category, name, quantity, price } in rows.by_ref().take(100) {
            let item =
                Item::create().id(id).category(category).name(name).quantity(quantity).price(price);
            creation = creation.item(item);
        }
        creation.exec(&mut transaction).await?;
    }
    transaction.commit().await?;
    toasty::sql::query(sql::CHECKPOINT).exec(&mut db).await?;
    Ok(db)
}

fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|statement| !statement.is_empty())
}

/// A statement outside a transaction is a transaction.
async fn put(db: &mut Db, Row { id, category, name, quantity, price }: Row) -> Result {
    Item::upsert_by_id(id)
        .category(category)
        .name(name)
        .quantity(quantity)
        .price(price)
        .exec(db)
        .await?;
    Ok(())
}

/// A statement for each row: an upsert is always of one row, and `toasty::batch` takes no upserts. (`create_many` writes a
/// row in 7 µs here, but only a new one.)
async fn put_bulk(db: &mut Db, rows: Vec<Row>) -> Result {
    let mut transaction = db.transaction().await?;
    for Row { id, category, name, quantity, price } in rows {
        let upsert =
            Item::upsert_by_id(id).category(category).name(name).quantity(quantity).price(price);
        upsert.exec(&mut transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
