//! SeaORM with its sqlx driver: entities, `find_by_id`, `insert` with `on_conflict`.
//!
//! One system, `sea-orm`. Statements are prepared once per connection, as sqlx does by default; SeaORM makes their text
//! anew for each call.

mod item;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, EntityTrait,
    QueryFilter, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tabular_common::{Bench, Case, Draw, Result, Row, in_runtime, sql};

const SYSTEM: &str = "sea-orm";

/// Connections of a pool.
const POOL: u32 = 8;

/// Rows of one statement in a bulk write, as many as with sqlx alone; neither more nor fewer are faster.
const ROWS_AT_ONCE: usize = 1_000;

fn main() -> Result {
    in_runtime(async {
        let bench = Bench::from_env("sqlite")?;
        small(&bench).await?;
        large(&bench).await?;
        durable_writers(&bench).await
    })
}

async fn small(bench: &Bench) -> Result {
    let db = &load(bench.path("small.db"), SqliteSynchronous::Normal, POOL, Row::SMALL).await?;
    bench
        .run(Case::PointRead, SYSTEM, Draw::key, |keys| async move {
            for key in keys {
                black_box(get(db, key).await?);
            }
            Ok(())
        })
        .await?;
    bench
        .run(Case::Put, SYSTEM, Draw::row, |rows| async move {
            for row in rows {
                put(db, row).await?;
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
                    for batch in batches {
                        put_bulk(db, batch).await?;
                    }
                    Ok(())
                },
            )
            .await?;
    }
    bench
        .run_concurrent(Case::ConcurrentReaders, SYSTEM, Draw::key, |keys| {
            let db = db.clone();
            async move {
                for key in keys {
                    black_box(get(&db, key).await?);
                }
                Ok(())
            }
        })
        .await
}

async fn large(bench: &Bench) -> Result {
    let db = &load(bench.path("large.db"), SqliteSynchronous::Normal, POOL, Row::LARGE).await?;
    bench
        .run(Case::IndexedQuery, SYSTEM, Draw::category, |categories| async move {
            for category in categories {
                let rows = item::Entity::find()
                    .filter(item::Column::Category.eq(category))
                    .all(db)
                    .await?;
                assert_eq!(black_box(rows).len(), Row::PER_CATEGORY);
            }
            Ok(())
        })
        .await?;
    bench
        .run(Case::FullScan, SYSTEM, Draw::nothing, |scans| async move {
            for () in scans {
                let rows = item::Entity::find().all(db).await?;
                assert_eq!(black_box(rows).len(), Row::LARGE);
            }
            Ok(())
        })
        .await
}

/// Durable puts from a pool of one connection: SQLite has one writer at a time, and further connections would wait for
/// it in the busy handler, which sleeps, instead of in the pool's queue.
async fn durable_writers(bench: &Bench) -> Result {
    let db = load(bench.path("durable.db"), SqliteSynchronous::Full, 1, Row::SMALL).await?;
    bench
        .run_concurrent(Case::DurableWriters, SYSTEM, Draw::row, |rows| {
            let db = db.clone();
            async move {
                for row in rows {
                    put(&db, row).await?;
                }
                Ok(())
            }
        })
        .await
}

async fn open(
    path: PathBuf,
    synchronous: SqliteSynchronous,
    connections: u32,
) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new("sqlite:");
    options
        .max_connections(connections)
        // No server to have gone away: the ping would only cost a turn of the connection's thread.
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |options| {
            options
                .filename(&path)
                .create_if_missing(true)
                .busy_timeout(Duration::from_secs(600))
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous)
        });
    Ok(Database::connect(options).await?)
}

async fn load(
    path: PathBuf,
    synchronous: SqliteSynchronous,
    connections: u32,
    rows: usize,
) -> Result<DatabaseConnection> {
    let db = open(path, synchronous, connections).await?;
    db.execute_unprepared(sql::SCHEMA).await?;
    put_bulk(&db, Row::first(rows)).await?;
    db.execute_unprepared(sql::CHECKPOINT).await?;
    Ok(db)
}

async fn get(db: &DatabaseConnection, key: i64) -> Result<item::Model> {
    Ok(item::Entity::find_by_id(key).one(db).await?.ok_or("the row is there")?)
}

/// A statement outside a transaction is a transaction.
async fn put(db: &DatabaseConnection, row: Row) -> Result {
    let insert = item::Entity::insert(item::ActiveModel::from(row)).on_conflict(item::replace());
    insert.exec_without_returning(db).await?;
    Ok(())
}

async fn put_bulk(db: &DatabaseConnection, rows: Vec<Row>) -> Result {
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = db.begin_with_options(immediate).await?;
    let mut models = rows.into_iter().map(item::ActiveModel::from).peekable();
    while models.peek().is_some() {
        let insert = item::Entity::insert_many(models.by_ref().take(ROWS_AT_ONCE))
            .on_conflict(item::replace());
        insert.exec_without_returning(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
