//! The server goes away under load and comes back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use storehouse::{Error, Tabular};
use storehouse_test_postgres::Cluster;
use support::*;

/// What tasks have written and read, and whether they go on.
#[derive(Default)]
struct Work {
    is_over: AtomicBool,
    acknowledged: Mutex<Vec<Entry>>,
    failures: Mutex<HashSet<String>>,
}

impl Work {
    fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until the tasks have got on.
    async fn gets_on(&self) {
        let before = self.acknowledged();
        while self.acknowledged() < before + 50 {
            pause().await;
        }
    }

    /// Waits until a failure was noted.
    async fn fails(&self) {
        while self.failures.lock().unwrap().is_empty() {
            pause().await;
        }
    }

    async fn go_on(&self, entries: Tabular<Entry>, task: usize) {
        for number in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let stored = entries.insert(EntryInsert { name: format!("{task}-{number}") }).await;
            let stored = match stored {
                Ok(stored) => stored,
                Err(error) => {
                    self.note(&error).await;
                    continue;
                }
            };
            self.acknowledged.lock().unwrap().push(stored.clone());
            match entries.get(&stored.id).await {
                Ok(found) => assert_eq!(found, Some(stored)),
                Err(error) => self.note(&error).await,
            }
        }
    }

    async fn note(&self, error: &Error) {
        assert!(matches!(error, Error::Backend { .. } | Error::Busy { .. }), "{error:?}");
        assert!(error.is_retryable(), "{error}");
        self.failures.lock().unwrap().insert(error.to_string());
        pause().await;
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_the_server() {
    let mut cluster = Cluster::start(&[]).await;
    let opened = Opened::open(&cluster.url(), |options| options).await.unwrap();
    let entries = opened.table::<Entry>().await;
    let work = Arc::new(Work::default());
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let (work, entries) = (Arc::clone(&work), entries.clone());
            tokio::spawn(async move { work.go_on(entries, task).await })
        })
        .collect();
    for is_crash in [true, false, true] {
        in_time(work.gets_on()).await;
        work.failures.lock().unwrap().clear();
        if is_crash {
            cluster.crash();
        } else {
            cluster.shut_down();
        }
        in_time(work.fails()).await;
        let error = opened.store.begin().await.map(drop).unwrap_err();
        assert!(error.to_string().contains("PostgreSQL cannot be reached"), "{error}");
        cluster.resume().await;
        in_time(work.gets_on()).await;
    }
    work.is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        in_time(task).await.unwrap();
    }
    let stored = entries.get_all().await.unwrap();
    let acknowledged = work.acknowledged.lock().unwrap();
    let ids: HashSet<i64> = stored.iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), stored.len());
    for entry in &*acknowledged {
        assert!(stored.contains(entry), "{entry:?} was acknowledged and is gone");
    }
}
