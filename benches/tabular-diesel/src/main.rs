//! Diesel, which is synchronous, in both of the ways in which programs call it.
//!
//! | system | what it is |
//! | --- | --- |
//! | `diesel-sync` | called on the thread that asks, also in the concurrent cases |
//! | `diesel-async` | called as asynchronous programs do: a pool, and `spawn_blocking` for each operation |
//!
//! For the second, Diesel's own `r2d2` pool inside one `spawn_blocking` takes the fewest turns. The `diesel-async` crate
//! has a `spawn_blocking` for every statement (three for a transaction of one), and `deadpool-diesel` one more to check
//! the connection.

mod store;

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::SqliteConnection;
use tabular_common::{Bench, Case, Draw, Result, Row, WORKERS, in_runtime, sql};
use tokio::task::{block_in_place, spawn_blocking};

use store::{Pool, all, by_category, get, load, pool, put, put_bulk};

/// Connections of a pool.
const POOL: u32 = 8;

fn main() -> Result {
    in_runtime(async {
        let bench = Bench::from_env("sqlite")?;
        let small = pool(&bench.path("small.db"), sql::NORMAL, POOL)?;
        let large = pool(&bench.path("large.db"), sql::NORMAL, POOL)?;
        let durable = pool(&bench.path("durable.db"), sql::FULL, 1)?;
        block_in_place(|| {
            load(&mut *small.get()?, Row::SMALL)?;
            load(&mut *large.get()?, Row::LARGE)?;
            load(&mut *durable.get()?, Row::SMALL)?;
            sync_sequential(&bench, &mut *small.get()?, &mut *large.get()?)
        })?;
        sync_concurrent(&bench, &small, &durable).await?;
        async_sequential(&bench, &small, &large).await?;
        async_concurrent(&bench, &small, &durable).await
    })
}

fn sync_sequential(
    bench: &Bench,
    small: &mut SqliteConnection,
    large: &mut SqliteConnection,
) -> Result {
    let system = "diesel-sync";
    bench.run_sync(Case::PointRead, system, Draw::key, |keys| {
        for key in keys {
            black_box(get(small, key)?);
        }
        Ok(())
    })?;
    bench.run_sync(Case::Put, system, Draw::row, |rows| {
        for row in rows {
            put(small, row)?;
        }
        Ok(())
    })?;
    for size in Case::BULK_SIZES {
        bench.run_sync(
            Case::PutBulk(size),
            system,
            |draw| draw.rows(size),
            |batches| {
                for batch in batches {
                    put_bulk(small, batch)?;
                }
                Ok(())
            },
        )?;
    }
    bench.run_sync(Case::IndexedQuery, system, Draw::category, |categories| {
        for category in categories {
            assert_eq!(black_box(by_category(large, &category)?).len(), Row::PER_CATEGORY);
        }
        Ok(())
    })?;
    bench.run_sync(Case::FullScan, system, Draw::nothing, |scans| {
        for () in scans {
            assert_eq!(black_box(all(large)?).len(), Row::LARGE);
        }
        Ok(())
    })
}

/// The tasks call on their own worker threads: reads with a connection from the pool, durable puts with the one
/// connection (SQLite has one writer at a time; more would wait in its busy handler, which sleeps).
async fn sync_concurrent(bench: &Bench, small: &Pool, durable: &Pool) -> Result {
    let system = "diesel-sync";
    assert!(WORKERS <= POOL as usize, "no worker waits for a connection");
    bench
        .run_concurrent(Case::ConcurrentReaders, system, Draw::key, |keys| {
            let pool = small.clone();
            async move {
                for key in keys {
                    black_box(get(&mut *pool.get()?, key)?);
                    tokio::task::consume_budget().await;
                }
                Ok(())
            }
        })
        .await?;
    let writer = Arc::new(Mutex::new(durable.get()?));
    bench
        .run_concurrent(Case::DurableWriters, system, Draw::row, |rows| {
            let writer = writer.clone();
            async move {
                for row in rows {
                    put(&mut writer.lock().unwrap_or_else(PoisonError::into_inner), row)?;
                    tokio::task::consume_budget().await;
                }
                Ok(())
            }
        })
        .await
}

async fn async_sequential(bench: &Bench, small: &Pool, large: &Pool) -> Result {
    let system = "diesel-async";
    bench
        .run(Case::PointRead, system, Draw::key, |keys| async move {
            for key in keys {
                black_box(blocking(small, move |connection| get(connection, key)).await?);
            }
            Ok(())
        })
        .await?;
    bench
        .run(Case::Put, system, Draw::row, |rows| async move {
            for row in rows {
                blocking(small, move |connection| put(connection, row)).await?;
            }
            Ok(())
        })
        .await?;
    for size in Case::BULK_SIZES {
        bench
            .run(
                Case::PutBulk(size),
                system,
                |draw| draw.rows(size),
                |batches| async move {
                    for batch in batches {
                        blocking(small, move |connection| put_bulk(connection, batch)).await?;
                    }
                    Ok(())
                },
            )
            .await?;
    }
    bench
        .run(Case::IndexedQuery, system, Draw::category, |categories| async move {
            for category in categories {
                let rows =
                    blocking(large, move |connection| by_category(connection, &category)).await?;
                assert_eq!(rows.len(), Row::PER_CATEGORY);
            }
            Ok(())
        })
        .await?;
    bench
        .run(Case::FullScan, system, Draw::nothing, |scans| async move {
            for () in scans {
                assert_eq!(blocking(large, all).await?.len(), Row::LARGE);
            }
            Ok(())
        })
        .await
}

async fn async_concurrent(bench: &Bench, small: &Pool, durable: &Pool) -> Result {
    let system = "diesel-async";
    bench
        .run_concurrent(Case::ConcurrentReaders, system, Draw::key, |keys| {
            let pool = small.clone();
            async move {
                for key in keys {
                    black_box(blocking(&pool, move |connection| get(connection, key)).await?);
                }
                Ok(())
            }
        })
        .await?;
    bench
        .run_concurrent(Case::DurableWriters, system, Draw::row, |rows| {
            let pool = durable.clone();
            async move {
                for row in rows {
                    blocking(&pool, move |connection| put(connection, row)).await?;
                }
                Ok(())
            }
        })
        .await
}

/// One operation on a thread for blocking calls, with a connection of the pool.
async fn blocking<T: Send + 'static>(
    pool: &Pool,
    call: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
) -> Result<T> {
    let pool = pool.clone();
    spawn_blocking(move || call(&mut *pool.get()?)).await?
}
