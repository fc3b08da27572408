//! Interactive transactions: alone on the writer until they end.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::*;
use storehouse_runtime::{
    Backend as _, ColumnType, DynBackendTransaction, DynTabularStorage, EncodedRow, Error,
    FilterTree, Store, Value, WriteMode,
};
use storehouse_sqlite::{SqliteBackend, SqliteOptions, SqliteTabularStorage};

async fn on_file(folder: &tempfile::TempDir, busy_timeout: Duration) -> SqliteBackend {
    let options = SqliteOptions::new(folder.path().join("tx.db")).busy_timeout(busy_timeout);
    SqliteBackend::open(options).await.unwrap()
}

/// A database in a file and one in memory, each with the table set up.
async fn both(
    folder: &tempfile::TempDir,
    busy_timeout: Duration,
) -> [(SqliteBackend, Arc<SqliteTabularStorage>); 2] {
    let memory = SqliteOptions::in_memory().busy_timeout(busy_timeout);
    let backends =
        [on_file(folder, busy_timeout).await, SqliteBackend::open(memory).await.unwrap()];
    let mut result = Vec::new();
    for backend in backends {
        let storage = Arc::new(storage(&backend, products()).await);
        result.push((backend, storage));
    }
    result.try_into().unwrap_or_else(|_| unreachable!())
}

fn joined(
    tx: &Arc<dyn DynBackendTransaction>,
    storage: &SqliteTabularStorage,
) -> Arc<dyn DynTabularStorage> {
    tx.tabular(storage.definition()).unwrap()
}

async fn insert(storage: &dyn DynTabularStorage, row: EncodedRow) -> Result<(), Error> {
    storage.write(vec![row], WriteMode::Insert).await.map(drop)
}

async fn size(storage: &dyn DynTabularStorage) -> u64 {
    storage.count(FilterTree::all()).await.unwrap()
}

const LONG: Duration = Duration::from_secs(5);

#[tokio::test]
async fn commit_rollback_and_drop() {
    let folder = tempfile::tempdir().unwrap();
    for (backend, storage) in both(&folder, LONG).await {
        let tx = backend.begin().await.unwrap();
        let inside = joined(&tx, &storage);
        insert(&*inside, product(1, "A", 1.0)).await.unwrap();
        assert_eq!(size(&*inside).await, 1);
        tx.commit().await.unwrap();
        assert_eq!(size(&*storage).await, 1);

        let tx = backend.begin().await.unwrap();
        insert(&*joined(&tx, &storage), product(2, "B", 1.0)).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(size(&*storage).await, 1);

        let tx = backend.begin().await.unwrap();
        let inside = joined(&tx, &storage);
        insert(&*inside, product(2, "B", 1.0)).await.unwrap();
        drop(tx);
        assert_eq!(size(&*storage).await, 1);
        for error in [
            insert(&*inside, product(3, "C", 1.0)).await.unwrap_err(),
            inside.count(FilterTree::all()).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::Closed { .. }), "{error}");
        }
        put(&storage, product(2, "B", 1.0)).await.unwrap();
    }
}

#[tokio::test]
async fn after_its_end_a_transaction_is_closed() {
    let backend = in_memory().await;
    let storage = storage(&backend, products()).await;
    for commit in [true, false] {
        let tx = backend.begin().await.unwrap();
        if commit {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        for error in [
            tx.commit().await.unwrap_err(),
            tx.rollback().await.unwrap_err(),
            tx.savepoint().await.unwrap_err(),
            insert(&*joined(&tx, &storage), product(1, "A", 1.0)).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::Closed { .. }), "{error}");
        }
        tx.rollback_savepoint();
    }
}

#[tokio::test]
async fn a_failed_statement_leaves_the_transaction_usable() {
    let folder = tempfile::tempdir().unwrap();
    for (backend, storage) in both(&folder, LONG).await {
        let tx = backend.begin().await.unwrap();
        let inside = joined(&tx, &storage);
        insert(&*inside, product(1, "A", 1.0)).await.unwrap();
        let error = insert(&*inside, product(2, "A", 1.0)).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }));
        let many = vec![product(3, "C", 1.0), product(4, "A", 1.0)];
        inside.write(many, WriteMode::Put).await.unwrap_err();
        assert_eq!(size(&*inside).await, 1);
        insert(&*inside, product(5, "E", 1.0)).await.unwrap();
        // Not even an error for which SQLite would undo everything.
        insert(&*inside, product(i64::MAX, "last", 1.0)).await.unwrap();
        let error = insert(&*inside, product(0, "next", 1.0)).await.unwrap_err();
        assert!(matches!(error, Error::Validation { .. }));
        tx.commit().await.unwrap();
        assert_eq!(size(&*storage).await, 3);
    }
}

#[tokio::test]
async fn what_is_not_committed_is_not_seen_outside() {
    let folder = tempfile::tempdir().unwrap();
    let backend = on_file(&folder, LONG).await;
    let storage = storage(&backend, products()).await;
    let tx = backend.begin().await.unwrap();
    insert(&*joined(&tx, &storage), product(1, "A", 1.0)).await.unwrap();
    assert_eq!(get(&storage, key(1)).await.unwrap(), None);
    assert_eq!(size(&storage).await, 0);
    tx.commit().await.unwrap();
    assert!(get(&storage, key(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn others_wait_for_the_end() {
    let folder = tempfile::tempdir().unwrap();
    for (backend, storage) in both(&folder, LONG).await {
        let tx = backend.begin().await.unwrap();
        let waiting = {
            let (backend, storage) = (backend.clone(), Arc::clone(&storage));
            tokio::spawn(async move {
                put(&storage, product(2, "B", 1.0)).await.unwrap();
                let second = backend.begin().await.unwrap();
                insert(&*joined(&second, &storage), product(3, "C", 1.0)).await.unwrap();
                second.commit().await.unwrap();
            })
        };
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(!waiting.is_finished());
        insert(&*joined(&tx, &storage), product(1, "A", 1.0)).await.unwrap();
        tx.commit().await.unwrap();
        waiting.await.unwrap();
        assert_eq!(size(&*storage).await, 3);
    }
}

#[tokio::test]
async fn whoever_waits_too_long_is_told_what_for() {
    let folder = tempfile::tempdir().unwrap();
    for (backend, storage) in both(&folder, Duration::from_millis(80)).await {
        let is_file = storage.capabilities().persistent;
        let tx = backend.begin().await.unwrap();
        let started = Instant::now();
        let (write, begin, read) = tokio::join!(
            put(&storage, product(2, "B", 1.0)),
            backend.begin(),
            storage.count(FilterTree::all()),
        );
        let mut errors = vec![write.unwrap_err(), begin.err().unwrap()];
        if is_file {
            assert_eq!(read.unwrap(), 0);
        } else {
            errors.push(read.unwrap_err());
        }
        let waited = started.elapsed();
        assert!((Duration::from_millis(80)..Duration::from_secs(2)).contains(&waited));
        for error in errors {
            assert!(matches!(error, Error::Busy { .. }), "{error}");
            assert!(error.is_retryable());
            assert!(error.to_string().contains("handle.in_tx(&tx)"), "{error}");
        }
        // The transaction itself goes on.
        insert(&*joined(&tx, &storage), product(1, "A", 1.0)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(size(&*storage).await, 1);
    }
}

#[tokio::test]
async fn waiting_for_oneself_is_an_error_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for (backend, storage) in both(&folder, LONG).await {
        let is_file = storage.capabilities().persistent;
        let store = Store::from_backend(Arc::new(backend));
        let started = Instant::now();
        store
            .transaction(async |_| {
                let mut errors = vec![
                    put(&storage, product(1, "A", 1.0)).await.unwrap_err(),
                    storage.delete_all().await.unwrap_err(),
                    store.begin().await.unwrap_err(),
                ];
                if is_file {
                    assert_eq!(get(&storage, key(1)).await.unwrap(), None);
                    assert_eq!(size(&*storage).await, 0);
                } else {
                    errors.push(get(&storage, key(1)).await.unwrap_err());
                    errors.push(storage.count(FilterTree::all()).await.unwrap_err());
                }
                for error in errors {
                    assert!(matches!(error, Error::Deadlock { .. }), "{error}");
                }
                // Another task may wait.
                let other = Arc::clone(&storage);
                tokio::spawn(async move { put(&other, product(2, "B", 1.0)).await });
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok(())
            })
            .await
            .unwrap();
        assert!(started.elapsed() < LONG);
        storage.delete(key(0), FilterTree::all()).await.unwrap();
        assert_eq!(size(&*storage).await, 1);
    }
}

#[tokio::test]
async fn savepoints_within_savepoints() {
    let backend = in_memory().await;
    let storage = storage(&backend, products()).await;
    let tx = backend.begin().await.unwrap();
    let inside = joined(&tx, &storage);
    insert(&*inside, product(1, "A", 1.0)).await.unwrap();
    tx.savepoint().await.unwrap();
    insert(&*inside, product(2, "B", 1.0)).await.unwrap();
    tx.savepoint().await.unwrap();
    insert(&*inside, product(3, "C", 1.0)).await.unwrap();
    tx.rollback_savepoint();
    assert_eq!(size(&*inside).await, 2);
    tx.savepoint().await.unwrap();
    insert(&*inside, product(4, "D", 1.0)).await.unwrap();
    tx.release_savepoint().await.unwrap();
    assert_eq!(size(&*inside).await, 3);
    tx.rollback_savepoint();
    assert_eq!(size(&*inside).await, 1);
    assert!(matches!(tx.release_savepoint().await, Err(Error::Validation { .. })));
    tx.rollback_savepoint();
    tx.savepoint().await.unwrap();
    insert(&*inside, product(5, "E", 1.0)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(size(&storage).await, 2);
}

/// Polls a future once and drops it. True when it was done by then, as it can be when the writer
/// is quicker than this thread.
async fn poll_once(future: impl Future) -> bool {
    let mut future = Box::pin(future);
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_ready()))
        .await
}

#[tokio::test]
async fn savepoints_survive_dropped_futures() {
    let backend = in_memory().await;
    let storage = storage(&backend, products()).await;
    for pause in [Duration::ZERO, Duration::from_millis(5)] {
        storage.delete_all().await.unwrap();
        let tx = backend.begin().await.unwrap();
        let inside = joined(&tx, &storage);
        tx.savepoint().await.unwrap();
        insert(&*inside, product(1, "A", 1.0)).await.unwrap();
        // Opened, perhaps, but nobody knows.
        let opened = poll_once(tx.savepoint()).await;
        tokio::time::sleep(pause).await;
        tx.savepoint().await.unwrap();
        insert(&*inside, product(2, "B", 1.0)).await.unwrap();
        // Released, perhaps, and then undone by whoever dropped it: only this one.
        let released = poll_once(tx.release_savepoint()).await;
        tokio::time::sleep(pause).await;
        if !released {
            tx.rollback_savepoint();
        }
        assert!((1..=2).contains(&size(&*inside).await));
        for _ in 0..=usize::from(opened) {
            tx.rollback_savepoint();
        }
        assert_eq!(size(&*inside).await, 0);
        insert(&*inside, product(3, "C", 1.0)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(size(&storage).await, 1);
    }
}

#[tokio::test]
async fn a_begin_that_is_dropped_leaves_no_transaction_open() {
    let backend = in_memory().await;
    let storage = storage(&backend, products()).await;
    for _ in 0..50 {
        poll_once(backend.begin()).await;
        put(&storage, product(1, "A", 1.0)).await.unwrap();
    }
}

#[tokio::test]
async fn set_up_inside_a_transaction() {
    let backend = in_memory().await;
    let outside = SqliteTabularStorage::new(&backend, &Arc::new(products()));
    let tx = backend.begin().await.unwrap();
    let inside = joined(&tx, &outside);
    inside.setup_database().await.unwrap();
    insert(&*inside, product(1, "A", 1.0)).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(matches!(get(&outside, key(1)).await, Err(Error::Schema { .. })));
}

/// The database checks the references only when it commits, and refuses then.
#[tokio::test]
async fn a_commit_that_is_refused_leaves_nothing_open() {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE owners (id INTEGER PRIMARY KEY);
             CREATE TABLE things (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL
                 REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED);
             INSERT INTO owners VALUES (1)",
        )
        .unwrap();
    let backend = SqliteBackend::from_connection(connection).unwrap();
    let columns = vec![column("id", ColumnType::I64), column("owner", ColumnType::I64)];
    let things = SqliteTabularStorage::new(&backend, &Arc::new(table("things", columns)));
    let thing = |id, owner| EncodedRow(vec![Value::Int(id), Value::Int(owner)]);
    let many = |owner| (1..20).map(|id| thing(id, owner)).collect::<Vec<_>>();

    let mut errors = vec![
        put(&things, thing(1, 2)).await.unwrap_err(),
        things.write(many(2), WriteMode::Put).await.unwrap_err(),
    ];
    let tx = backend.begin().await.unwrap();
    let inside = tx.tabular(things.definition()).unwrap();
    insert(&*inside, thing(1, 2)).await.unwrap();
    errors.push(tx.commit().await.unwrap_err());
    for error in errors {
        assert!(matches!(error, Error::Validation { .. }), "{error:?}");
        assert!(error.to_string().contains("FOREIGN KEY"), "{error}");
    }
    assert_eq!(size(&things).await, 0);
    put(&things, thing(1, 1)).await.unwrap();
    let tx = backend.begin().await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn reads_inside_a_transaction() {
    let backend = in_memory().await;
    let storage = storage(&backend, products()).await;
    let tx = backend.begin().await.unwrap();
    let inside = joined(&tx, &storage);
    for id in 1..=6 {
        insert(&*inside, product(id, &format!("{id}"), 1.0)).await.unwrap();
    }
    for keys in [vec![1, 2], vec![6, 5, 4, 3, 2, 1]] {
        let sink = Rows::sink(storage.definition());
        let sink = inside.get_many(keys.iter().copied().map(key).collect(), sink).await.unwrap();
        assert_eq!(Rows::take(sink).len(), keys.len());
    }
    tx.commit().await.unwrap();
    assert_eq!(size(&storage).await, 6);
}
