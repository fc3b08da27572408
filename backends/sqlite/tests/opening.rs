//! Opening, sharing and closing databases.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::{
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

use common::*;
use rusqlite::Connection;
use storehouse_runtime::{
    Backend as _, Error, FilterTree, StoreBuilder, TabularStorage as _, WriteMode,
};
use storehouse_sqlite::{SqliteBackend, SqliteConnector, SqliteOptions, SqliteTabularStorage};

#[tokio::test]
async fn urls() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b.db");
    let open = async |url: String| StoreBuilder::new().register(SqliteConnector).open(&url).await;
    let url = format!("sqlite://{}", path.display()).replace(' ', "%20");

    let error = open(format!("{url}?mode=rw")).await.unwrap_err();
    assert!(error.to_string().contains("leave out `mode=rw`"), "{error}");
    assert!(!path.exists());
    let store = open(format!("{url}?mode=rwc&synchronous=full&busy_timeout=100&readers=1")).await;
    let store = store.unwrap();
    assert!(path.exists());
    assert_eq!(store.backend(), "sqlite");
    assert!(store.capabilities().persistent && store.capabilities().multi_process);
    drop(store);
    open(format!("{url}?mode=rw")).await.unwrap();

    let memory = open("sqlite::memory:".into()).await.unwrap();
    let capabilities = memory.capabilities();
    assert!(capabilities.writable && capabilities.transactions && capabilities.savepoints);
    assert!(capabilities.sql && !capabilities.persistent && !capabilities.multi_process);

    let error = open("sqlite:a.db?sync=full".into()).await.unwrap_err();
    assert!(matches!(error, Error::Validation { .. }), "{error}");
    let error = open("sqlite:/no/such/folder/a.db".into()).await.unwrap_err();
    assert!(error.to_string().contains("check that its folder exists"), "{error}");
}

#[tokio::test]
async fn what_is_not_a_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    std::fs::write(&path, "Dear Ann, ".repeat(1_000)).unwrap();
    let error = SqliteBackend::open(SqliteOptions::new(&path)).await.unwrap_err();
    assert!(error.to_string().contains("is not a SQLite database"), "{error}");
}

#[tokio::test]
async fn a_file_is_closed_when_the_last_handle_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("closed.db");
    for round in 0..5 {
        let backend = SqliteBackend::open(SqliteOptions::new(&path)).await.unwrap();
        let storage = storage(&backend, products()).await;
        put(&storage, product(round + 1, &format!("{round}"), 1.0)).await.unwrap();
        assert!(get(&storage, key(round + 1)).await.unwrap().is_some());
        assert_eq!(everything(&storage).await.unwrap().len(), usize::try_from(round).unwrap() + 1);
        let tx = backend.begin().await.unwrap();
        drop((backend, storage));
        // The transaction keeps the database open.
        assert!(path.with_extension("db-wal").exists());
        drop(tx);
        // SQLite removes the log when the last connection is closed.
        assert!(!path.with_extension("db-wal").exists());
    }
}

#[tokio::test]
async fn writes_that_nobody_waits_for_do_not_keep_it_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("closed.db");
    let backend = SqliteBackend::open(SqliteOptions::new(&path)).await.unwrap();
    let storage = Arc::new(storage(&backend, products()).await);
    let task = {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move {
            let rows = (1..20_000).map(|id| product(id, &format!("{id}"), 1.0)).collect();
            storage.write(rows, WriteMode::Put).await
        })
    };
    tokio::time::sleep(Duration::from_millis(1)).await;
    task.abort();
    let _ = task.await;
    drop((backend, storage));
    assert!(!path.with_extension("db-wal").exists());
    let connection = Connection::open(&path).unwrap();
    let rows: i64 =
        connection.query_row("SELECT count(*) FROM products", [], |row| row.get(0)).unwrap();
    assert!([0, 19_999].contains(&rows), "{rows}");
}

#[tokio::test]
async fn two_backends_on_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.db");
    let options = SqliteOptions::new(&path).busy_timeout(Duration::from_millis(200));
    let first = SqliteBackend::open(options.clone()).await.unwrap();
    let second = SqliteBackend::open(options).await.unwrap();
    assert_ne!(first.engine(), second.engine());
    let one = storage(&first, products()).await;
    let two = storage(&second, products()).await;

    for round in 0..20 {
        let (writer, reader) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let stored = put(writer, product(0, &format!("{round}"), 1.0)).await.unwrap();
        let id = storehouse_runtime::EncodedKey::single(stored.0[0].clone());
        assert_eq!(get(reader, id).await.unwrap(), Some(stored));
        assert_eq!(everything(reader).await.unwrap().len(), round + 1);
    }

    let tx = first.begin().await.unwrap();
    let started = Instant::now();
    let error = put(&two, product(0, "late", 1.0)).await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(error.to_string().contains("another process"), "{error}");
    assert!(started.elapsed() >= Duration::from_millis(190));
    // A group waits as one and fails as one.
    let rows = vec![product(0, "late", 1.0), product(0, "later", 1.0)];
    let error = two.write(rows, WriteMode::Put).await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    let error = second.begin().await.err().unwrap();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    tx.commit().await.unwrap();
    put(&two, product(0, "in time", 1.0)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_start_at_once() {
    const STARTING: usize = 12;
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let path = folder.path().join(format!("{round}.db"));
        let barrier = Arc::new(Barrier::new(STARTING));
        let threads: Vec<_> = (0..STARTING)
            .map(|number| {
                let (path, barrier) = (path.clone(), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(async move {
                        barrier.wait();
                        let backend = SqliteBackend::open(SqliteOptions::new(path)).await?;
                        let storage = SqliteTabularStorage::new(&backend, &Arc::new(products()));
                        storage.setup_database().await?;
                        put(&storage, product(0, &format!("{number}"), 1.0)).await
                    })
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
        let rows: usize = Connection::open(&path)
            .unwrap()
            .query_row("SELECT count(*) FROM products", [], |row| row.get::<_, i64>(0))
            .map(|rows| rows.try_into().unwrap())
            .unwrap();
        assert_eq!(rows, STARTING);
    }
}

#[tokio::test]
async fn a_connection_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.db");
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "journal_mode", "TRUNCATE").unwrap();
    connection.pragma_update(None, "synchronous", "EXTRA").unwrap();
    let backend = SqliteBackend::from_connection(connection).unwrap();
    assert!(backend.capabilities().persistent);
    let storage = storage(&backend, products()).await;
    put(&storage, product(1, "A", 1.0)).await.unwrap();
    // The user's modes are kept: no log lies beside the file.
    assert!(!path.with_extension("db-wal").exists());
    assert!(path.with_extension("db-journal").exists());
    let list = FilterTree::InList { column: 0, values: vec![storehouse_runtime::Value::Int(1)] };
    assert_eq!(storage.count(list).await.unwrap(), 1);

    // Another program's writes are waited for as the connection was told to, and are seen.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("INSERT INTO products VALUES (2, 'B', 2.0, NULL)").unwrap();
    assert_eq!(get(&storage, key(2)).await.unwrap(), Some(product(2, "B", 2.0)));

    let memory = SqliteBackend::from_connection(Connection::open_in_memory().unwrap()).unwrap();
    assert!(!memory.capabilities().persistent);

    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("BEGIN").unwrap();
    let error = SqliteBackend::from_connection(connection).unwrap_err();
    assert!(error.to_string().contains("open transaction"), "{error}");
}

#[tokio::test]
async fn a_connection_of_ones_own_keeps_its_busy_timeout() {
    let connection = Connection::open_in_memory().unwrap();
    connection.busy_timeout(Duration::from_millis(60)).unwrap();
    let backend = SqliteBackend::from_connection(connection).unwrap();
    let tx = backend.begin().await.unwrap();
    let started = Instant::now();
    let error = backend.begin().await.err().unwrap();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!((60..1_000).contains(&started.elapsed().as_millis()));
    drop(tx);
}

#[tokio::test]
async fn every_memory_database_is_its_own() {
    let (first, second) = (in_memory().await, in_memory().await);
    let one = storage(&first, products()).await;
    let other = SqliteTabularStorage::new(&second, &Arc::new(products()));
    put(&one, product(1, "A", 1.0)).await.unwrap();
    assert!(matches!(get(&other, key(1)).await, Err(Error::Schema { .. })));
    // Every handle of one store sees the same rows.
    let again = SqliteTabularStorage::new(&first, &Arc::new(products()));
    assert!(get(&again, key(1)).await.unwrap().is_some());
}

#[test]
fn futures_run_on_any_executor() {
    // Dropping the backend joins its threads, also where no runtime is.
    futures_block_on(async {
        let backend = in_memory().await;
        let storage = storage(&backend, products()).await;
        put(&storage, product(1, "A", 1.0)).await.unwrap();
        assert!(get(&storage, key(1)).await.unwrap().is_some());
    });
}

/// The least executor there is.
fn futures_block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}

/// A receiver that owns the last handle, so that the database closes on its own reader thread.
#[tokio::test]
async fn closing_from_a_thread_of_its_own_does_not_wait_for_itself() {
    use std::{any::Any, ops::ControlFlow};

    use storehouse_runtime::{ColumnSource, DecodeError, RowReceiver};

    struct Holds(#[expect(dead_code, reason = "held")] Option<SqliteBackend>);
    impl RowReceiver for Holds {
        fn receive(
            &mut self,
            _position: usize,
            _source: &mut dyn ColumnSource,
        ) -> Result<ControlFlow<()>, DecodeError> {
            std::thread::sleep(Duration::from_millis(100));
            Ok(ControlFlow::Break(()))
        }

        fn into_any(self: Box<Self>) -> Box<dyn Any> {
            self
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("held.db");
    let backend = SqliteBackend::open(SqliteOptions::new(&path)).await.unwrap();
    let storage = storage(&backend, products()).await;
    put(&storage, product(1, "A", 1.0)).await.unwrap();
    // All rows are always counted by a thread.
    let read = storage.aggregate(counting(FilterTree::all()), Box::new(Holds(Some(backend))));
    let _ = tokio::time::timeout(Duration::from_millis(20), read).await;
    drop(storage);
    let closed = Instant::now();
    while path.with_extension("db-wal").exists() {
        assert!(closed.elapsed() < Duration::from_secs(5), "the database stays open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_panic_in_a_receiver_reaches_its_caller_and_nobody_else() {
    use storehouse_runtime::Selection;

    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("panic.db")).readers(1);
    for backend in [SqliteBackend::open(options).await.unwrap(), in_memory().await] {
        let storage = Arc::new(storage(&backend, products()).await);
        put(&storage, product(1, "A", 1.0)).await.unwrap();
        for is_query in [true, false] {
            let reader = Arc::clone(&storage);
            let task = tokio::spawn(async move {
                let selection = Selection {
                    filter: FilterTree::all(),
                    order: Vec::new(),
                    after: None,
                    limit: None,
                    offset: 0,
                    lock: None,
                    columns: None,
                };
                if is_query {
                    reader.select(selection, Box::new(Panics)).await.map(drop)
                } else {
                    reader.get(key(1), Box::new(Panics)).await.map(drop)
                }
            });
            let panic = task.await.unwrap_err().into_panic();
            assert_eq!(*panic.downcast::<&str>().unwrap(), "as planned");
        }
        assert_eq!(everything(&storage).await.unwrap().len(), 1);
        assert!(get(&storage, key(1)).await.unwrap().is_some());
        put(&storage, product(2, "B", 1.0)).await.unwrap();
    }
}

/// Commits go to a log beside the file, which is moved into the file from time to time.
#[tokio::test]
async fn the_log_does_not_grow_without_end() {
    const MEGABYTE: u64 = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    for (name, rows_at_once) in [("at_once.db", 1), ("handed_over.db", 20)] {
        let path = folder.path().join(name);
        let backend = SqliteBackend::open(SqliteOptions::new(&path)).await.unwrap();
        let storage = storage(&backend, products()).await;
        let long = "x".repeat(3_000);
        // Some 100 megabytes of them, and more go through the log. It has a sixth of that where the
        // disk is quick and the machine has nothing else to do.
        for number in 0..(24_000 / rows_at_once) {
            let rows = (0..rows_at_once)
                .map(|row| product(0, &format!("{number} {row} {long}"), 1.0))
                .collect();
            storage.write(rows, WriteMode::Insert).await.unwrap();
        }
        let length = |path: &std::path::Path| std::fs::metadata(path).unwrap().len();
        let logged = length(&path.with_extension("db-wal"));
        assert!(logged < 70 * MEGABYTE, "{name}: {logged} bytes");
        assert!(length(&path) > 40 * MEGABYTE);
    }
}
