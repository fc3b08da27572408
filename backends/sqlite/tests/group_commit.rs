//! Writes that are made at the same time share a transaction, and each has its own result.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::{sync::Arc, time::Duration};

use common::*;
use storehouse_runtime::{
    Assignment, Backend as _, ColumnType, EncodedRow, Error, FilterTree, TabularStorage as _,
    Value, WriteMode,
};
use storehouse_sqlite::{SqliteBackend, SqliteOptions, SqliteTabularStorage, Synchronous};

/// Makes everything that `work` starts wait for one transaction, so that it is one group.
async fn together(backend: &SqliteBackend, work: impl AsyncFnOnce()) {
    let gate = backend.begin().await.unwrap();
    work().await;
    // The requests are in the queue once their tasks have run up to their first wait.
    tokio::time::sleep(Duration::from_millis(20)).await;
    gate.rollback().await.unwrap();
}

async fn on_file(folder: &tempfile::TempDir) -> SqliteBackend {
    SqliteBackend::open(SqliteOptions::new(folder.path().join("group.db"))).await.unwrap()
}

#[tokio::test]
async fn one_bad_row_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    for backend in [on_file(&folder).await, in_memory().await] {
        let storage = Arc::new(storage(&backend, products()).await);
        let mut tasks = Vec::new();
        together(&backend, async || {
            for number in 0..100 {
                let storage = Arc::clone(&storage);
                tasks.push(tokio::spawn(async move {
                    // Every tenth has the code of the one before it.
                    let code = if number % 10 == 9 { number - 1 } else { number };
                    let row = product(0, &format!("{code}"), f64::from(number));
                    if number % 3 == 0 {
                        // Several rows, of which the last decides.
                        let rows = vec![product(0, &format!("x{number}"), 0.0), row];
                        return storage.write(rows, WriteMode::Insert).await;
                    }
                    storage.write(vec![row], WriteMode::Insert).await
                }));
            }
        })
        .await;
        let mut stored = 0;
        for (number, task) in tasks.into_iter().enumerate() {
            match task.await.unwrap() {
                Ok(rows) => {
                    assert_ne!(number % 10, 9);
                    stored += rows.len();
                }
                Err(Error::Conflict { columns, .. }) => {
                    assert_eq!(number % 10, 9);
                    assert_eq!(columns, ["sku"]);
                }
                Err(other) => panic!("{other}"),
            }
        }
        let rows = everything(&storage).await.unwrap();
        assert_eq!(rows.len(), stored);
        // A bulk that failed left nothing behind.
        for number in (0..100).filter(|number| number % 10 == 9 && number % 3 == 0) {
            let code = text(&format!("x{number}"));
            assert!(rows.iter().all(|row| row.0[1] != code));
        }
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_given_fails_alone() {
    let backend = in_memory().await;
    let full = Arc::new(storage(&backend, products()).await);
    put(&full, product(i64::MAX, "last", 0.0)).await.unwrap();
    let definition = storehouse_runtime::TableDef {
        name: "others".into(),
        indexes: Vec::new().into(),
        ..products()
    };
    let other = Arc::new(storage(&backend, definition).await);
    let mut tasks = Vec::new();
    together(&backend, async || {
        for number in 1..20 {
            let storage = Arc::clone(if number % 4 == 0 { &full } else { &other });
            tasks.push(tokio::spawn(async move {
                put(&storage, product(0, &format!("{number}"), 0.0)).await
            }));
        }
    })
    .await;
    for (task, number) in tasks.into_iter().zip(1..) {
        match task.await.unwrap() {
            Ok(_) => assert_ne!(number % 4, 0),
            Err(Error::Validation { message, .. }) => {
                assert_eq!(number % 4, 0);
                assert!(message.contains("has used up its ids"), "{message}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(other.count(FilterTree::all()).await.unwrap(), 15);
}

#[tokio::test]
async fn writes_to_one_key_happen_one_after_another() {
    let backend = in_memory().await;
    let storage = Arc::new(storage(&backend, products()).await);
    let mut tasks = Vec::new();
    together(&backend, async || {
        for number in 0..50 {
            let storage = Arc::clone(&storage);
            tasks.push(tokio::spawn(async move {
                put(&storage, product(1, &format!("{number}"), 0.0)).await.unwrap()
            }));
            // One after another into the queue.
            tokio::task::yield_now().await;
        }
    })
    .await;
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().0[1], text(&format!("{number}")));
    }
    assert_eq!(everything(&storage).await.unwrap(), [product(1, "49", 0.0)]);
}

#[tokio::test]
async fn whoever_goes_away_before_the_work_began_gets_nothing_done() {
    let backend = in_memory().await;
    let storage = Arc::new(storage(&backend, products()).await);
    let mut kept = None;
    together(&backend, async || {
        for number in 1..=10 {
            let storage = Arc::clone(&storage);
            let task = tokio::spawn(async move {
                put(&storage, product(number, &format!("{number}"), 0.0)).await
            });
            tokio::task::yield_now().await;
            if number == 4 {
                kept = Some(task);
            } else {
                task.abort();
            }
        }
    })
    .await;
    kept.unwrap().await.unwrap().unwrap();
    assert_eq!(everything(&storage).await.unwrap(), [product(4, "4", 0.0)]);
}

#[tokio::test]
async fn a_dropped_write_is_done_or_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let backend = on_file(&folder).await;
    let storage = Arc::new(storage(&backend, products()).await);
    for round in 0..200_i64 {
        let first = round * 10 + 1;
        let rows =
            (first..first + 10).map(|id| product(id, &format!("{id}"), 0.0)).collect::<Vec<_>>();
        let write = storage.write(rows, WriteMode::Insert);
        let patience = Duration::from_micros(u64::try_from(round).unwrap() * 2);
        let _ = tokio::time::timeout(patience, write).await;
    }
    // The writer may still be at the last of them; this waits behind it.
    storage.delete(key(0), FilterTree::all()).await.unwrap();
    let rows = everything(&storage).await.unwrap();
    assert_eq!(rows.len() % 10, 0);
    for ten in rows.chunks(10) {
        let Value::Int(first) = ten[0].0[0] else { panic!() };
        assert_eq!(first % 10, 1);
        assert_eq!(ten[9].0[0], Value::Int(first + 9));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_of_every_kind() {
    let folder = tempfile::tempdir().unwrap();
    for backend in [on_file(&folder).await, in_memory().await] {
        let storage = Arc::new(storage(&backend, products()).await);
        let tasks: Vec<_> = (0..32)
            .map(|task| {
                let storage = Arc::clone(&storage);
                tokio::spawn(async move { one_task(&storage, task).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(storage.count(FilterTree::all()).await.unwrap(), 32 * 10);
    }
}

/// Reads what it wrote, whatever the others do.
async fn one_task(storage: &SqliteTabularStorage, task: i64) {
    for step in 0..20 {
        let id = task * 1_000 + step + 1;
        let row = product(id, &format!("{id}"), 1.0);
        assert_eq!(put(storage, row.clone()).await.unwrap(), row);
        assert_eq!(get(storage, key(id)).await.unwrap(), Some(row));
        let change = vec![Assignment::set(2, Value::Float(2.0))];
        let row = product(id, &format!("{id}"), 2.0);
        assert_eq!(
            storage.update(key(id), FilterTree::all(), change).await.unwrap(),
            Some(row.clone())
        );
        let own = FilterTree::InList { column: 0, values: vec![Value::Int(id)] };
        assert_eq!(storage.count(own).await.unwrap(), 1);
        if step % 2 == 0 {
            assert!(storage.delete(key(id), FilterTree::all()).await.unwrap());
            assert_eq!(get(storage, key(id)).await.unwrap(), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_one_connection_never_see_what_is_not_committed() {
    let backend = in_memory().await;
    let columns = vec![column("id", ColumnType::I64), column("value", ColumnType::I64)];
    let storage = Arc::new(storage(&backend, table("pairs", columns)).await);
    let pair = |value| {
        (1..=2).map(|id| EncodedRow(vec![Value::Int(id), Value::Int(value)])).collect::<Vec<_>>()
    };
    storage.write(pair(0), WriteMode::Put).await.unwrap();
    let writer = {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move {
            for value in 1..300 {
                storage.write(pair(value), WriteMode::Put).await.unwrap();
            }
        })
    };
    while !writer.is_finished() {
        let sink = Rows::sink(storage.definition());
        let sink = storage.get_many(vec![key(1), key(2)], sink).await.unwrap();
        let rows = Rows::take(sink);
        assert_eq!(rows[0].1.0[1], rows[1].1.0[1]);
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn every_synchronous_mode_writes() {
    let folder = tempfile::tempdir().unwrap();
    for synchronous in [Synchronous::Off, Synchronous::Normal, Synchronous::Full] {
        let options = SqliteOptions::new(folder.path().join(format!("{synchronous:?}.db")));
        let backend = SqliteBackend::open(options.synchronous(synchronous)).await.unwrap();
        let storage = storage(&backend, products()).await;
        put(&storage, product(0, "A", 1.0)).await.unwrap();
    }
}
