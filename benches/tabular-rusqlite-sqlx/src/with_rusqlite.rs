//! rusqlite, as someone who cares for speed writes it: `prepare_cached` everywhere, columns by position.

use std::hint::black_box;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior, params};
use tabular_common::{Bench, Case, Draw, Result, Row, WORKERS, sql};
use tokio::sync::Semaphore;
use tokio::task::{block_in_place, spawn_blocking};

/// Rows of a statement in the `rusqlite-values` form.
const ROWS_AT_ONCE: usize = 100;

/// Connections of the pool for concurrent reads, as many as the other peers have.
const POOL: usize = 8;

pub async fn run(bench: &Bench) -> Result {
    // These cases never wait for another task: the blocking calls are what is measured.
    block_in_place(|| sequential(bench))?;
    concurrent_readers(bench).await?;
    durable_writers(bench).await
}

fn sequential(bench: &Bench) -> Result {
    let mut small = load(&bench.path("rusqlite-small.db"), sql::NORMAL, Row::SMALL)?;
    bench.run_sync(Case::PointRead, "rusqlite", Draw::key, |keys| {
        for key in keys {
            black_box(get(&small, key)?);
        }
        Ok(())
    })?;
    bench.run_sync(Case::Put, "rusqlite", Draw::row, |rows| {
        for row in rows {
            put(&small, &row)?;
        }
        Ok(())
    })?;
    for size in Case::BULK_SIZES {
        bench.run_sync(
            Case::PutBulk(size),
            "rusqlite",
            |draw| draw.rows(size),
            |batches| {
                for batch in batches {
                    put_bulk(&mut small, &batch)?;
                }
                Ok(())
            },
        )?;
        if size >= ROWS_AT_ONCE {
            let text = sql::upsert(ROWS_AT_ONCE);
            bench.run_sync(
                Case::PutBulk(size),
                "rusqlite-values",
                |draw| draw.rows(size),
                |batches| {
                    for batch in batches {
                        put_bulk_values(&mut small, &text, &batch)?;
                    }
                    Ok(())
                },
            )?;
        }
    }

    let large = load(&bench.path("rusqlite-large.db"), sql::NORMAL, Row::LARGE)?;
    bench.run_sync(Case::IndexedQuery, "rusqlite", Draw::category, |categories| {
        for category in categories {
            let mut statement = large.prepare_cached(sql::BY_CATEGORY)?;
            let rows =
                statement.query_map([&category], decode)?.collect::<rusqlite::Result<Vec<_>>>()?;
            assert_eq!(rows.len(), Row::PER_CATEGORY);
        }
        Ok(())
    })?;
    bench.run_sync(Case::FullScan, "rusqlite", Draw::nothing, |scans| {
        for () in scans {
            let mut statement = large.prepare_cached(sql::ALL)?;
            let rows = statement.query_map([], decode)?.collect::<rusqlite::Result<Vec<_>>>()?;
            assert_eq!(rows.len(), Row::LARGE);
        }
        Ok(())
    })
}

/// Point reads in many tasks: through a pool and `spawn_blocking`, and on the tasks' own threads.
async fn concurrent_readers(bench: &Bench) -> Result {
    let path = bench.path("rusqlite-small.db");

    let pool = Pool::open(&path, POOL)?;
    bench
        .run_concurrent(Case::ConcurrentReaders, "rusqlite", Draw::key, |keys| {
            let pool = pool.clone();
            async move {
                for key in keys {
                    black_box(pool.call(move |connection| get(connection, key)).await?);
                }
                Ok(())
            }
        })
        .await?;

    // As many connections as threads that read: a task holds one from the lookup to its end, without an await
    // between, so one is always free.
    let inline = Pool::open(&path, WORKERS)?;
    bench
        .run_concurrent(Case::ConcurrentReaders, "rusqlite-inline", Draw::key, |keys| {
            let inline = inline.clone();
            async move {
                for key in keys {
                    black_box(inline.with(|connection| get(connection, key))?);
                    tokio::task::consume_budget().await;
                }
                Ok(())
            }
        })
        .await
}

/// Durable puts in many tasks, each with its own commit, over one connection: SQLite has one writer at a time, so more
/// connections would only wait in the busy handler, which sleeps.
async fn durable_writers(bench: &Bench) -> Result {
    let connection = load(&bench.path("rusqlite-durable.db"), sql::FULL, Row::SMALL)?;
    let writer = Arc::new(Mutex::new(connection));
    bench
        .run_concurrent(Case::DurableWriters, "rusqlite", Draw::row, |rows| {
            let writer = writer.clone();
            async move {
                for row in rows {
                    let writer = writer.clone();
                    spawn_blocking(move || {
                        put(&writer.lock().unwrap_or_else(PoisonError::into_inner), &row)
                    })
                    .await??;
                }
                Ok(())
            }
        })
        .await
}

fn open(path: &Path, modes: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(modes)?;
    Ok(connection)
}

fn load(path: &Path, modes: &str, rows: usize) -> Result<Connection> {
    let mut connection = open(path, modes)?;
    connection.execute_batch(sql::SCHEMA)?;
    put_bulk(&mut connection, &Row::first(rows))?;
    connection.query_row(sql::CHECKPOINT, [], |_| Ok(()))?;
    Ok(connection)
}

fn decode(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: row.get(0)?,
        category: row.get(1)?,
        name: row.get(2)?,
        quantity: row.get(3)?,
        price: row.get(4)?,
    })
}

fn get(connection: &Connection, key: i64) -> rusqlite::Result<Row> {
    connection.prepare_cached(sql::BY_KEY)?.query_row([key], decode)
}

/// A statement outside a transaction is a transaction.
fn put(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    let values = params![row.id, row.category, row.name, row.quantity, row.price];
    connection.prepare_cached(sql::UPSERT)?.execute(values)?;
    Ok(())
}

fn put_bulk(connection: &mut Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare_cached(sql::UPSERT)?;
        for row in rows {
            statement.execute(params![row.id, row.category, row.name, row.quantity, row.price])?;
        }
    }
    transaction.commit()
}

/// Rows in whole statements only: the sizes measured are multiples of [`ROWS_AT_ONCE`].
fn put_bulk_values(connection: &mut Connection, text: &str, rows: &[Row]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare_cached(text)?;
        for chunk in rows.chunks_exact(ROWS_AT_ONCE) {
            for (row, first) in chunk.iter().zip((1..).step_by(5)) {
                statement.raw_bind_parameter(first, row.id)?;
                statement.raw_bind_parameter(first + 1, &row.category)?;
                statement.raw_bind_parameter(first + 2, &row.name)?;
                statement.raw_bind_parameter(first + 3, row.quantity)?;
                statement.raw_bind_parameter(first + 4, row.price)?;
            }
            statement.raw_execute()?;
        }
    }
    transaction.commit()
}

/// A small pool: what `deadpool` and the like do, with less.
#[derive(Clone)]
struct Pool {
    free: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Pool {
    fn open(path: &Path, connections: usize) -> Result<Self> {
        let free =
            (0..connections).map(|_| open(path, sql::NORMAL)).collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            free: Arc::new(Mutex::new(free)),
            permits: Arc::new(Semaphore::new(connections)),
        })
    }

    /// Calls with a free connection on this thread; whoever calls sees to it that there is one.
    fn with<T>(&self, call: impl FnOnce(&Connection) -> T) -> T {
        let connection = self.lock().pop().expect("a connection is free");
        let result = call(&connection);
        self.lock().push(connection);
        result
    }

    /// Waits for a free connection and calls with it on a thread for blocking calls.
    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.permits.acquire().await?;
        let pool = self.clone();
        let result = spawn_blocking(move || pool.with(call)).await??;
        drop(permit);
        Ok(result)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
