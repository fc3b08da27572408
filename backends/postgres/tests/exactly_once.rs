//! Connections end every few milliseconds: nothing that was acknowledged is lost, and nothing is
//! done twice.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::{join, join_all};
use storehouse::{Error, Result, Table, Tabular};
use storehouse_test_postgres::Database;
use support::{
    server::{Watcher, open_marked},
    *,
};

/// Nothing but its key tells one from another, so that the database would take it twice.
#[derive(Table, Clone, Debug, PartialEq)]
struct Payment {
    #[table(key, auto)]
    id: i64,
    payload: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Counter {
    #[table(key)]
    name: String,
    value: i64,
}

const KILLS: usize = 60;

/// Ends the backend's connections again and again while the work of many tasks is under way, each
/// of which goes on as long as it is told to.
async fn while_connections_end<F, R>(
    database: &Database,
    task: impl Fn(usize, Kills) -> F,
) -> Vec<R>
where
    F: Future<Output = R>,
{
    let kills = Kills::default();
    let end = async {
        let mut watcher = Watcher::new(database).await;
        let mut rng = fastrand::Rng::with_seed(5);
        while kills.go_on() {
            tokio::time::sleep(Duration::from_micros(rng.u64(..8_000))).await;
            watcher.end_connections().await;
            kills.0.fetch_add(1, Ordering::Relaxed);
        }
    };
    let tasks = join_all((0..16).map(|number| task(number, kills.clone())));
    in_time(join(tasks, end)).await.0
}

#[derive(Clone, Default)]
struct Kills(Arc<AtomicUsize>);

impl Kills {
    fn go_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) < KILLS
    }
}

/// Whether it was done, if that is known.
#[track_caller]
fn outcome<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        // The connection was lost, or there was none to be had.
        Err(Error::Backend { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

#[derive(Default)]
struct Record {
    acknowledged: Vec<Payment>,
    /// Nobody knows whether these were done.
    unknown: Vec<String>,
}

impl Record {
    fn note(&mut self, payload: String, result: Result<Payment>) {
        match outcome(result) {
            Some(stored) => {
                assert_eq!(stored.payload, payload);
                self.acknowledged.push(stored);
            }
            None => self.unknown.push(payload),
        }
    }

    fn join(records: Vec<Self>) -> Self {
        let mut all = Self::default();
        for record in records {
            all.acknowledged.extend(record.acknowledged);
            all.unknown.extend(record.unknown);
        }
        all
    }

    /// Holds the table to it.
    async fn check(&self, payments: &Tabular<Payment>) {
        let stored = payments.get_all().await.unwrap();
        let (known, unknown) = (self.acknowledged.len(), self.unknown.len());
        eprintln!("{known} acknowledged, {} stored, {unknown} unknown", stored.len());
        assert!(known > 0 && unknown > 0, "nothing was in progress");
        assert!(known <= stored.len() && stored.len() <= known + unknown);
        let mut by_payload: HashMap<&str, &Payment> = HashMap::new();
        for payment in &stored {
            let twice = by_payload.insert(&payment.payload, payment);
            assert_eq!(twice, None, "done twice");
        }
        for payment in &self.acknowledged {
            assert_eq!(by_payload.remove(&*payment.payload), Some(payment));
        }
        for payload in &self.unknown {
            by_payload.remove(&**payload);
        }
        assert!(by_payload.is_empty(), "nobody wrote {by_payload:?}");
    }
}

#[tokio::test]
async fn single_rows() {
    let database = Database::create().await;
    let opened = open_marked(&database, |options| options).await;
    let payments = opened.table::<Payment>().await;
    let records = while_connections_end(&database, async |task, kills| {
        let mut record = Record::default();
        for number in 0.. {
            if !kills.go_on() {
                break;
            }
            let payload = format!("{task}-{number}");
            // Some alone, some together with others of the same task.
            let insert = PaymentInsert { payload: payload.clone() };
            let result = payments.insert(insert).await;
            record.note(payload, result);
        }
        record
    });
    Record::join(records.await).check(&payments).await;
    payments.insert(PaymentInsert { payload: "after".into() }).await.unwrap();
}

#[tokio::test]
async fn many_rows_all_or_none() {
    let database = Database::create().await;
    let opened = open_marked(&database, |options| options).await;
    let payments = opened.table::<Payment>().await;
    let counts = while_connections_end(&database, async |task, kills| {
        let mut counts = HashMap::new();
        for number in 0.. {
            if !kills.go_on() {
                break;
            }
            let payload = format!("{task}-{number}");
            let rows = (0..5).map(|_| PaymentInsert { payload: payload.clone() });
            let acknowledged = outcome(payments.put_bulk(rows).await).is_some();
            counts.insert(payload, acknowledged);
        }
        counts
    });
    let mut stored: HashMap<String, usize> = HashMap::new();
    let expected: HashMap<String, bool> = counts.await.into_iter().flatten().collect();
    for payment in payments.get_all().await.unwrap() {
        *stored.entry(payment.payload).or_default() += 1;
    }
    for (payload, acknowledged) in expected {
        match stored.remove(&payload) {
            Some(rows) => assert_eq!(rows, 5, "of a bulk a part is there"),
            None => assert!(!acknowledged, "{payload} was acknowledged and is gone"),
        }
    }
    assert!(stored.is_empty(), "nobody wrote {stored:?}");
}

#[tokio::test]
async fn increments_in_transactions() {
    let database = Database::create().await;
    let opened = open_marked(&database, |options| options).await;
    let counters = opened.table::<Counter>().await;
    counters.put(Counter { name: "all".into(), value: 0 }).await.unwrap();
    let tallies = while_connections_end(&database, async |_, kills| {
        let (mut done, mut unknown) = (0, 0);
        while kills.go_on() {
            let increment = opened.store.retry_transaction(1_000, async |tx| {
                let counters = counters.in_tx(tx);
                let found = counters.get("all").await?.unwrap();
                counters.put(Counter { value: found.value + 1, ..found }).await
            });
            // What may be tried again was, so what is left is a commit that may have been done.
            match outcome(increment.await) {
                Some(_) => done += 1,
                None => unknown += 1,
            }
        }
        (done, unknown)
    });
    let (done, unknown) = (tallies.await.into_iter())
        .fold((0, 0), |(done, unknown), tally| (done + tally.0, unknown + tally.1));
    let value = counters.get("all").await.unwrap().unwrap().value;
    eprintln!("{done} acknowledged, {value} stored, {unknown} unknown");
    assert!(done > 0, "nothing was in progress");
    assert!(done <= value && value <= done + unknown);
}
