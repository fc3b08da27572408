//! Changes across processes, and while connections and the server go away.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../tests/conformance/tests/changes/load.rs"]
mod load;
mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use load::{Chains, Counter, CounterPatch};
use sqlx::{Connection as _, Executor as _, PgConnection};
use storehouse::{ChangeRetention, Since, increment};
use storehouse_test_postgres::{Cluster, Database};
use support::{
    Opened, in_time,
    server::{Watcher, open_marked},
};

/// Started by the next test it writes; by itself it does nothing.
#[tokio::test]
async fn a_process_writes() {
    if let Some((url, errand)) = load::errand() {
        load::write(&url, &errand).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_write_and_nothing_is_lost() {
    let database = Database::create().await;
    // A transaction that has written stays open all the while.
    let (store, counters) = load::counters(database.url()).await;
    let tx = store.begin().await.unwrap();
    counters.in_tx(&tx).put(Counter { id: -1, value: 0 }).await.unwrap();
    let mut changes = counters.changes(Since::Now).await.unwrap();
    let seen =
        load::many_processes_write(database.url(), "a_process_writes", Duration::from_secs(10));
    let seen = seen.await;
    assert!(seen > 1_000, "only {seen} changes");
    tx.commit().await.unwrap();
    let late = async {
        loop {
            let change = changes.try_next().await.unwrap().unwrap();
            if change.key == Some(-1) {
                return;
            }
        }
    };
    in_time(late).await;
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
    let database = Database::create().await;
    load::a_follower_is_killed(database.url(), "a_process_follows", 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_told_of_what_was_pruned() {
    let database = Database::create().await;
    let retention = ChangeRetention { age: Duration::from_millis(300), ..Default::default() };
    let opened = Opened::open(database.url(), |options| options.change_retention(retention));
    load::the_log_is_pruned(&opened.await.unwrap().store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_newest_changes_are_kept() {
    let database = Database::create().await;
    let opened = Opened::open(database.url(), |options| options.change_retention(load::FEW));
    load::only_the_newest_are_kept(&opened.await.unwrap().store).await;
}

/// The first transaction to begin is the last to write a row, and so the last to be told of,
/// though its number is lower.
#[tokio::test]
async fn the_order_of_one_row_is_that_of_its_commits() {
    let database = Database::create().await;
    let (_store, counters) = load::counters(database.url()).await;
    let mut changes = load::begin(&counters).await;
    let connect = || async { PgConnection::connect(database.url()).await.unwrap() };
    let (mut first, mut second) = (connect().await, connect().await);
    let update = |id: i64| format!("UPDATE counters SET value = value + 1 WHERE id = {id}");
    let run = async |connection: &mut PgConnection, sql: String| {
        connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    };
    run(&mut first, "BEGIN".into()).await;
    run(&mut first, update(1)).await;
    run(&mut second, format!("BEGIN; {}; COMMIT", update(2))).await;
    run(&mut first, update(2)).await;
    run(&mut first, "COMMIT".into()).await;
    let mut chains = Chains::default();
    in_time(chains.finish(&mut changes, &counters)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_ended_are_opened_again() {
    let database = Database::create().await;
    let opened = open_marked(&database, |options| options).await;
    let counters = opened.table::<Counter>().await;
    let (store, other) = load::counters(database.url()).await;
    let mut watcher = Watcher::new(&database).await;
    let mut changes = load::begin(&other).await;
    let cursor = changes.cursor().clone();
    let mut chains = Chains::default();
    changes = counters.changes(Since::After(cursor)).await.unwrap();
    for _ in 0..5 {
        watcher.end_connections().await;
        let until = Instant::now() + Duration::from_millis(200);
        load::write_until(&store, &other, until).await;
        for _ in 0..20 {
            let next = in_time(changes.try_next()).await;
            chains.add(next.unwrap().unwrap());
        }
    }
    in_time(chains.finish(&mut changes, &other)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_is_followed_on() {
    let mut cluster = Cluster::start(&[]).await;
    let (_store, counters) = load::counters(&cluster.url()).await;
    let mut changes = load::begin(&counters).await;
    let mut chains = Chains::default();
    for round in 0..3 {
        let next = in_time(changes.try_next()).await;
        chains.add(next.unwrap().unwrap());
        if round % 2 == 0 {
            cluster.crash();
        } else {
            cluster.shut_down();
        }
        // It notices, and tries again.
        let early = tokio::time::timeout(Duration::from_millis(300), async {
            loop {
                chains.add(changes.try_next().await.unwrap().unwrap());
            }
        });
        assert!(early.await.is_err());
        cluster.resume().await;
        let until = Instant::now() + Duration::from_secs(30);
        let patch = || CounterPatch { value: increment(1) };
        while counters.update(&3, patch()).await.is_err() {
            assert!(Instant::now() < until, "the server does not come back");
        }
    }
    in_time(chains.finish(&mut changes, &counters)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_query_waits_for_the_server() {
    let mut cluster = Cluster::start(&[]).await;
    let (_store, counters) = load::counters(&cluster.url()).await;
    let mut live = counters.query(Counter::VALUE.gt(0)).live().await.unwrap();
    assert!(in_time(live.try_next()).await.unwrap().unwrap().is_empty());
    counters.put(Counter { id: 1, value: 0 }).await.unwrap();
    let patch = CounterPatch { value: increment(1) };
    // It is told while the server is there, and asks when it is not.
    counters.update(&1, patch).await.unwrap();
    cluster.crash();
    let early = tokio::time::timeout(Duration::from_millis(300), live.try_next()).await;
    cluster.resume().await;
    let rows = match early {
        Ok(rows) => rows,
        Err(_) => in_time(live.try_next()).await,
    };
    assert_eq!(rows.unwrap().unwrap(), [Counter { id: 1, value: 1 }]);
}

/// Statements that fire the triggers for many rows, and those that are no plain write.
#[tokio::test]
async fn large_loads_and_truncations_are_seen() {
    let database = Database::create().await;
    let opened = Opened::open(database.url(), |options| options).await.unwrap();
    let counters = opened.table::<Counter>().await;
    let mut changes = counters.changes(Since::Now).await.unwrap();
    // So many rows are copied.
    let rows: Vec<_> = (0..5_000).map(|id| Counter { id, value: id }).collect();
    counters.put_bulk(rows.clone()).await.unwrap();
    for row in &rows {
        let change = in_time(changes.try_next()).await.unwrap().unwrap();
        assert_eq!(change.new.as_ref(), Some(row));
    }
    database.run("TRUNCATE counters").await;
    let mut gone = Vec::new();
    for _ in &rows {
        gone.extend(in_time(changes.try_next()).await.unwrap().unwrap().old);
    }
    gone.sort_by_key(|row| row.id);
    assert_eq!(gone, rows);
}

/// Somebody who may write to the table, and knows nothing of its log.
#[tokio::test]
async fn whoever_may_write_is_seen() {
    let mut database = Database::create().await;
    let opened = Arc::new(Opened::open(database.url(), |options| options).await.unwrap());
    let counters = opened.table::<Counter>().await;
    let mut changes = counters.changes(Since::Now).await.unwrap();
    let url = database.add_user("").await;
    database.run("GRANT INSERT, UPDATE, DELETE, SELECT ON counters TO PUBLIC").await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    other
        .execute("SET search_path = pg_catalog; INSERT INTO public.counters VALUES (1, 7)")
        .await
        .unwrap();
    let change = in_time(changes.try_next()).await.unwrap().unwrap();
    assert_eq!(change.new, Some(Counter { id: 1, value: 7 }));
}
