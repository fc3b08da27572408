//! sqlx, as its documentation has it: a pool, `query_as` into a struct that derives `FromRow`, statements prepared
//! once per connection (the default), `QueryBuilder` for many rows.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, FromRow, QueryBuilder, Sqlite, SqliteExecutor};
use tabular_common::{Bench, Case, Draw, Result, Row, sql};
use tokio::sync::Mutex;

/// Connections of a pool.
const POOL: u32 = 8;

/// Rows of one statement in a bulk write. Ten times as many gained a tenth at best, ten times fewer lost a half.
const ROWS_AT_ONCE: usize = 1_000;

/// [`Row`], for the derive.
#[derive(FromRow)]
#[expect(dead_code, reason = "what counts is that the columns are decoded")]
struct Item {
    id: i64,
    category: String,
    name: String,
    quantity: i64,
    price: f64,
}

pub async fn run(bench: &Bench) -> Result {
    small(bench).await?;
    large(bench).await?;
    durable_writers(bench).await
}

async fn small(bench: &Bench) -> Result {
    let path = bench.path("sqlx-small.db");
    let pool = &open(&path, SqliteSynchronous::Normal, POOL).await?;
    load(pool, Row::SMALL).await?;

    bench
        .run(Case::PointRead, "sqlx-pool", Draw::key, |keys| async move {
            for key in keys {
                black_box(get(pool, key).await?);
            }
            Ok(())
        })
        .await?;
    let connection = &Mutex::new(options(&path, SqliteSynchronous::Normal).connect().await?);
    bench
        .run(Case::PointRead, "sqlx-connection", Draw::key, |keys| async move {
            let mut connection = connection.lock().await;
            for key in keys {
                black_box(get(&mut *connection, key).await?);
            }
            Ok(())
        })
        .await?;
    bench
        .run(Case::Put, "sqlx-pool", Draw::row, |rows| async move {
            for row in rows {
                put(pool, row).await?;
            }
            Ok(())
        })
        .await?;
    for size in Case::BULK_SIZES {
        bench
            .run(
                Case::PutBulk(size),
                "sqlx-pool",
                |draw| draw.rows(size),
                |batches| async move {
                    for batch in batches {
                        put_bulk(pool, batch).await?;
                    }
                    Ok(())
                },
            )
            .await?;
    }
    bench
        .run_concurrent(Case::ConcurrentReaders, "sqlx-pool", Draw::key, |keys| {
            let pool = pool.clone();
            async move {
                for key in keys {
                    black_box(get(&pool, key).await?);
                }
                Ok(())
            }
        })
        .await
}

async fn large(bench: &Bench) -> Result {
    let pool = &open(&bench.path("sqlx-large.db"), SqliteSynchronous::Normal, POOL).await?;
    load(pool, Row::LARGE).await?;
    bench
        .run(Case::IndexedQuery, "sqlx-pool", Draw::category, |categories| async move {
            for category in categories {
                let rows: Vec<Item> =
                    sqlx::query_as(sql::BY_CATEGORY).bind(category).fetch_all(pool).await?;
                assert_eq!(black_box(rows).len(), Row::PER_CATEGORY);
            }
            Ok(())
        })
        .await?;
    bench
        .run(Case::FullScan, "sqlx-pool", Draw::nothing, |scans| async move {
            for () in scans {
                let rows: Vec<Item> = sqlx::query_as(sql::ALL).fetch_all(pool).await?;
                assert_eq!(black_box(rows).len(), Row::LARGE);
            }
            Ok(())
        })
        .await
}

/// Durable puts from a pool of one connection: SQLite has one writer at a time, and further connections would wait for
/// it in the busy handler, which sleeps, instead of in the pool's queue (measured: eight connections take seven times as
/// long).
async fn durable_writers(bench: &Bench) -> Result {
    let pool = open(&bench.path("sqlx-durable.db"), SqliteSynchronous::Full, 1).await?;
    load(&pool, Row::SMALL).await?;
    bench
        .run_concurrent(Case::DurableWriters, "sqlx-pool", Draw::row, |rows| {
            let pool = pool.clone();
            async move {
                for row in rows {
                    put(&pool, row).await?;
                }
                Ok(())
            }
        })
        .await
}

fn options(path: &Path, synchronous: SqliteSynchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(Duration::from_secs(600))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .disable_statement_logging()
}

async fn open(path: &Path, synchronous: SqliteSynchronous, connections: u32) -> Result<SqlitePool> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        // No server to have gone away: the ping would only cost a turn of the connection's thread.
        .test_before_acquire(false)
        .connect_with(options(path, synchronous))
        .await?;
    Ok(pool)
}

async fn load(pool: &SqlitePool, rows: usize) -> Result {
    sqlx::raw_sql(sql::SCHEMA).execute(pool).await?;
    put_bulk(pool, Row::first(rows)).await?;
    sqlx::raw_sql(sql::CHECKPOINT).execute(pool).await?;
    Ok(())
}

async fn get(executor: impl SqliteExecutor<'_>, key: i64) -> Result<Item> {
    let item: Item = sqlx::query_as(sql::BY_KEY).bind(key).fetch_one(executor).await?;
    assert_eq!(item.id, key);
    Ok(item)
}

/// A statement outside a transaction is a transaction.
async fn put(pool: &SqlitePool, row: Row) -> Result {
    sqlx::query(sql::UPSERT)
        .bind(row.id)
        .bind(row.category)
        .bind(row.name)
        .bind(row.quantity)
        .bind(row.price)
        .execute(pool)
        .await?;
    Ok(())
}

async fn put_bulk(pool: &SqlitePool, rows: Vec<Row>) -> Result {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut statement = QueryBuilder::<Sqlite>::new(sql::UPSERT_INTO);
        statement.push_values(rows.by_ref().take(ROWS_AT_ONCE), |mut values, row| {
            values
                .push_bind(row.id)
                .push_bind(row.category)
                .push_bind(row.name)
                .push_bind(row.quantity)
                .push_bind(row.price);
        });
        statement.push(sql::UPSERT_SET);
        statement.build().execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
