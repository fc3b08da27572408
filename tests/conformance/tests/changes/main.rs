//! Changes across processes on a SQLite file. The same on PostgreSQL is in
//! `backends/postgres/tests/changes.rs`.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod load;

use std::{sync::Arc, time::Duration};

use storehouse::{
    ChangeRetention, Store,
    memory::InMemoryBackend,
    sqlite::{SqliteBackend, SqliteOptions},
};

fn url(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}", folder.path().join("changes.db").display())
}

/// Started by the next test it writes; by itself it does nothing.
#[tokio::test]
async fn a_process_writes() {
    if let Some((url, errand)) = load::errand() {
        load::write(&url, &errand).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_write_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder);
    // Somebody reads for as long as it takes, which keeps nobody from writing.
    drop(load::counters(&url).await);
    let reader = rusqlite::Connection::open(folder.path().join("changes.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM counters").unwrap();
    let seen = load::many_processes_write(&url, "a_process_writes", Duration::from_secs(10)).await;
    reader.execute_batch("COMMIT").unwrap();
    assert!(seen > 1_000, "only {seen} changes");
}

/// Started by the next test it follows; by itself it does nothing.
#[tokio::test]
async fn a_process_follows() {
    if let Some((url, errand)) = load::errand() {
        load::follow(&url, &errand).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_follower_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    load::a_follower_is_killed(&url(&folder), "a_process_follows", 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_told_of_what_was_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let retention = ChangeRetention { age: Duration::from_millis(300), ..Default::default() };
    let options = SqliteOptions::new(folder.path().join("changes.db")).change_retention(retention);
    let backend = SqliteBackend::open(options).await.unwrap();
    load::the_log_is_pruned(&Store::from_backend(Arc::new(backend))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_newest_changes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("changes.db")).change_retention(load::FEW);
    let backend = SqliteBackend::open(options).await.unwrap();
    load::only_the_newest_are_kept(&Store::from_backend(Arc::new(backend))).await;
    let backend = InMemoryBackend::new().change_retention(load::FEW);
    load::only_the_newest_are_kept(&Store::from_backend(Arc::new(backend))).await;
}
