//! The server ends connections and statements: each failure is told as what it is, a read is tried
//! once more, and the next call works.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use futures::future::{join, join_all};
use storehouse::{Error, PatchField::Set, Result, Tabular};
use storehouse_postgres::Isolation;
use storehouse_test_postgres::Database;
use support::{
    server::{Watcher, open_marked},
    *,
};

const A_WHILE: Duration = Duration::from_millis(200);
const NOBODY_KNOWS: &str = "may or may not have been done";

/// A table with 64 items in a database of its own.
async fn items(opened: &Opened) -> Tabular<Item> {
    let items = opened.table::<Item>().await;
    items.put_bulk((0..64).map(item)).await.unwrap();
    items
}

/// A failure that is the backend's, with what it says.
#[track_caller]
fn failed<T: std::fmt::Debug>(result: Result<T>, says: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Backend { .. }), "{error:?}");
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

#[tokio::test]
async fn a_read_on_an_ended_connection_is_tried_again() {
    let database = Database::create().await;
    let opened = open_marked(&database, |options| options).await;
    let items = items(&opened).await;
    let mut watcher = Watcher::new(&database).await;
    for round in 0..3 {
        watcher.end_connections().await;
        assert_eq!(items.get(&round).await.unwrap(), Some(item(round)));
        watcher.end_connections().await;
        assert_eq!(items.get_many(&[round, -1]).await.unwrap(), [Some(item(round)), None]);
        watcher.end_connections().await;
        assert_eq!(items.query(Item::ID.eq(round)).await.unwrap(), [item(round)]);
        watcher.end_connections().await;
        assert_eq!(items.size().await.unwrap(), 64);
        watcher.end_connections().await;
        for (id, found) in (0..64).zip(get_at_once(&items, 0..64).await) {
            assert_eq!(found.unwrap(), Some(item(id)));
        }
        watcher.end_connections().await;
        opened.store.begin().await.unwrap().commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_write_on_an_ended_connection_is_done_at_most_once() {
    let database = Database::create().await;
    let opened = open_marked(&database, |options| options).await;
    let items = items(&opened).await;
    let mut watcher = Watcher::new(&database).await;
    // At once it may find out too late.
    for amount in 0..10 {
        let row = Item { amount, ..item(0) };
        watcher.end_connections().await;
        match items.put(row.clone()).await {
            Ok(stored) => assert_eq!(stored, row),
            failure => failed(failure, NOBODY_KNOWS),
        }
        assert_eq!(items.put(row.clone()).await.unwrap(), row);
    }
    // After a while it finds out before it is sent.
    watcher.end_connections().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    items.put(item(1)).await.unwrap();
    watcher.end_connections().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    items.put_bulk([item(2), item(3)]).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_ended_while_it_waits() {
    let database = Database::create().await;
    let opened = open_marked(&database, |options| options.lock_timeout(PATIENCE)).await;
    let items = items(&opened).await;
    let mut watcher = Watcher::new(&database).await;

    let other = Other::hold(&database, "LOCK TABLE item IN ACCESS EXCLUSIVE MODE").await;
    let write = at_once([{
        let items = items.clone();
        async move { items.delete(&0).await }
    }]);
    let end = async {
        watcher.wait_for_waiting(1).await;
        watcher.end_connections().await;
    };
    let (deleted, ()) = in_time(join(write, end)).await;
    failed(deleted.into_iter().next().unwrap(), NOBODY_KNOWS);

    // A read waits again, on another connection.
    let read = items.query(Item::ID.eq(0)).into_future();
    let end = async {
        watcher.wait_for_waiting(1).await;
        watcher.end_connections().await;
        watcher.wait_for_waiting(1).await;
        drop(other);
    };
    let (found, ()) = in_time(join(read, end)).await;
    assert_eq!(found.unwrap(), [item(0)]);
}

#[tokio::test]
async fn a_transaction_whose_connection_is_ended_is_rolled_back() {
    let database = Database::create().await;
    let opened = open_marked(&database, |options| options).await;
    let items = items(&opened).await;
    let mut watcher = Watcher::new(&database).await;
    let tx = opened.store.begin().await.unwrap();
    items.in_tx(&tx).put(Item { amount: -1, ..item(0) }).await.unwrap();
    watcher.end_connections().await;
    failed(items.in_tx(&tx).put(Item { amount: -1, ..item(1) }).await, NOBODY_KNOWS);
    // What follows does not go over another connection.
    items.in_tx(&tx).get(&0).await.unwrap_err();
    tx.commit().await.unwrap_err();
    assert_eq!(items.get_all().await.unwrap(), (0..64).map(item).collect::<Vec<_>>());

    // A commit is not to be made again: it may have been done.
    let tx = opened.store.begin().await.unwrap();
    items.in_tx(&tx).put(Item { amount: -1, ..item(0) }).await.unwrap();
    watcher.end_connections().await;
    let error = tx.commit().await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    assert!(error.to_string().contains(NOBODY_KNOWS), "{error}");
    assert_eq!(items.get(&0).await.unwrap(), Some(item(0)));
}

#[tokio::test]
async fn a_transaction_that_idles_too_long_is_ended() {
    let database = Database::create().await;
    let setting = "options[idle_in_transaction_session_timeout]=50";
    let url = format!("{}?application_name=tested&{setting}", database.url());
    let opened = Opened::open(&url, |options| options).await.unwrap();
    let items = items(&opened).await;
    for id in 0..3 {
        let mut watcher = Watcher::new(&database).await;
        let tx = opened.store.begin().await.unwrap();
        in_time(watcher.wait_for_end_of_transactions()).await;
        let put = items.in_tx(&tx).put(item(id)).await;
        failed(put, "the server ended the connection");
        drop(tx);
        // The connection is not used again, for anything.
        items.put(item(id)).await.unwrap();
        opened.store.begin().await.unwrap().commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_statement_that_is_cancelled_or_takes_too_long() {
    let database = Database::create().await;
    let url = format!("{}?options[statement_timeout]=300", database.url());
    let opened = Opened::open(&url, |options| options.lock_timeout(PATIENCE)).await.unwrap();
    let items = items(&opened).await;
    let other = Other::hold(&database, "LOCK TABLE item IN ACCESS EXCLUSIVE MODE").await;
    let says = "cancelled, or took longer than it may";
    failed(items.delete(&0).await, says);
    failed(items.query(Item::ID.eq(0)).await, says);
    for read in get_at_once(&items, 0..8).await {
        failed(read, says);
    }
    for write in put_at_once(&items, (0..8).map(item)).await {
        failed(write, says);
    }
    drop(other);
    assert_eq!(items.get(&0).await.unwrap(), Some(item(0)));

    let opened = open_marked(&database, |options| options.lock_timeout(PATIENCE)).await;
    let items = opened.table::<Item>().await;
    let mut watcher = Watcher::new(&database).await;
    let other = Other::hold(&database, LOCK).await;
    let cancel = async {
        watcher.wait_for_waiting(1).await;
        watcher.cancel_statements().await;
    };
    let (deleted, ()) = in_time(join(items.delete(&0), cancel)).await;
    failed(deleted, says);
    drop(other);
    assert!(items.delete(&0).await.unwrap());
}

/// Locks the item 0.
const LOCK: &str = "UPDATE item SET amount = amount WHERE id = 0";

#[tokio::test]
async fn a_lock_is_not_waited_for_longer_than_was_asked() {
    let (database, opened) = open(|options| options.lock_timeout(A_WHILE)).await;
    let items = items(&opened).await;
    let other = Other::hold(&database, LOCK).await;
    let patch = || ItemPatch { amount: Set(1), ..ItemPatch::default() };
    let errors = [
        items.put_bulk([item(1), item(0)]).await.map(drop),
        items.update(&0, patch()).await.map(drop),
        items.delete(&0).await.map(drop),
        items.delete_search(Item::ID.eq(0)).await.map(drop),
        opened.store.transaction(async |tx| items.in_tx(tx).put(item(0)).await.map(drop)).await,
    ];
    for error in errors.map(Result::unwrap_err) {
        assert!(matches!(error, Error::Busy { .. }), "{error:?}");
        assert!(error.is_retryable() && error.to_string().contains("`lock_timeout`"), "{error}");
    }
    // Inside a transaction it fails alone.
    opened
        .store
        .transaction(async |tx| {
            let items = items.in_tx(tx);
            items.put(Item { amount: 7, ..item(1) }).await?;
            assert!(matches!(items.delete(&0).await, Err(Error::Busy { .. })));
            items.put(Item { amount: 7, ..item(2) }).await.map(drop)
        })
        .await
        .unwrap();
    drop(other);
    assert_eq!(items.count(Item::AMOUNT.eq(7)).await.unwrap(), 2);
    items.put(item(0)).await.unwrap();
}

#[tokio::test]
async fn transactions_that_cannot_be_brought_into_an_order() {
    for isolation in [Isolation::RepeatableRead, Isolation::Serializable] {
        let (_database, opened) = open(|options| options.isolation(isolation)).await;
        let items = items(&opened).await;
        let (one, two) = (opened.store.begin().await.unwrap(), opened.store.begin().await.unwrap());
        let change = async |tx| {
            let items = items.in_tx(tx);
            let found = items.get(&0).await?.unwrap();
            Ok::<_, Error>(Item { amount: found.amount + 1, ..found })
        };
        let (first, second) = (change(&one).await.unwrap(), change(&two).await.unwrap());
        items.in_tx(&one).put(first).await.unwrap();
        one.commit().await.unwrap();
        failed(items.in_tx(&two).put(second).await, "run it again");
        // It cannot go on, and says so.
        let after = items.in_tx(&two).get(&0).await.unwrap_err();
        assert!(after.to_string().contains("roll it back"), "{after}");
        two.rollback().await.unwrap();

        // Run again, all of them are done.
        let increment = async |_| {
            let increment = opened.store.retry_transaction(1_000, async |tx| {
                let items = items.in_tx(tx);
                let found = items.get(&0).await?.unwrap();
                items.put(Item { amount: found.amount + 1, ..found }).await
            });
            increment.await.unwrap();
        };
        in_time(join_all((0..8).map(increment))).await;
        assert_eq!(items.get(&0).await.unwrap().unwrap().amount, 9);
    }
}

#[tokio::test]
async fn transactions_that_wait_for_each_other() {
    let (_database, opened) =
        open(|options| options.isolation(Isolation::ReadCommitted).lock_timeout(PATIENCE)).await;
    let items = items(&opened).await;
    let (one, two) = (opened.store.begin().await.unwrap(), opened.store.begin().await.unwrap());
    items.in_tx(&one).put(item(0)).await.unwrap();
    items.in_tx(&two).put(item(1)).await.unwrap();
    let first = async {
        let result = items.in_tx(&one).put(item(1)).await;
        if result.is_ok() { one.commit().await } else { one.rollback().await }.unwrap();
        result
    };
    let second = async {
        let result = items.in_tx(&two).put(item(0)).await;
        if result.is_ok() { two.commit().await } else { two.rollback().await }.unwrap();
        result
    };
    let (first, second) = in_time(join(first, second)).await;
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    failed(if first.is_ok() { second } else { first }, "two transactions waited for each other");
}

/// A single operation that the server undid for the sake of another is run again.
#[tokio::test]
async fn single_operations_that_wait_for_each_other_are_all_done() {
    let database = Database::create().await;
    let url = format!("{}?options[deadlock_timeout]=10", database.url());
    let opened = Opened::open(&url, |options| options.lock_timeout(PATIENCE)).await.unwrap();
    let items = items(&opened).await;
    for _ in 0..40 {
        let forwards = items.put_bulk((0..64).map(item));
        let backwards = items.put_bulk((0..64).rev().map(item));
        let (forwards, backwards) = in_time(join(forwards, backwards)).await;
        assert_eq!((forwards.unwrap().len(), backwards.unwrap().len()), (64, 64));
    }
}

#[tokio::test]
async fn our_connections_are_used_up() {
    let (_database, opened) =
        open(|options| options.max_connections(2).acquire_timeout(A_WHILE)).await;
    let items = items(&opened).await;
    let tx = opened.store.begin().await.unwrap();
    let begun = opened.store.begin().await.map(drop);
    for error in [begun.unwrap_err(), items.size().await.unwrap_err()] {
        assert!(matches!(error, Error::Busy { .. }), "{error:?}");
        assert!(error.is_retryable() && error.to_string().contains("`max_connections`"), "{error}");
    }
    // Reads by key and single rows have connections of their own.
    assert_eq!(items.get(&0).await.unwrap(), Some(item(0)));
    items.put(item(0)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(items.size().await.unwrap(), 64);
}

#[tokio::test]
async fn the_servers_connections_are_used_up() {
    let mut database = Database::create().await;
    let url = database.add_user("CONNECTION LIMIT 2").await;
    database.run("GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    let opened = Opened::open(&url, |options| options).await.unwrap();
    let items = items(&opened).await;
    let tx = opened.store.begin().await.unwrap();
    let begun = opened.store.begin().await.map(drop);
    let opened_too = Opened::open(&url, |options| options).await.map(drop);
    for error in [begun.unwrap_err(), items.size().await.unwrap_err(), opened_too.unwrap_err()] {
        assert!(matches!(error, Error::Busy { .. }), "{error:?}");
        assert!(error.is_retryable(), "{error}");
        assert!(error.to_string().contains("the server takes no more connections"), "{error}");
    }
    tx.commit().await.unwrap();
    assert_eq!(items.size().await.unwrap(), 64);
    assert_eq!(items.get(&0).await.unwrap(), Some(item(0)));
}

#[tokio::test]
async fn who_may_not_connect_is_told_why() {
    let database = Database::create().await;
    let (address, _) = database.url().rsplit_once('/').unwrap();
    let missing = Opened::open(&format!("{address}/storehouse_nowhere"), |options| options).await;
    let error = missing.map(drop).unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    assert!(error.to_string().contains("the database does not exist"), "{error}");

    // A port that nobody listens on.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://postgres@{}/postgres", free.local_addr().unwrap());
    drop(free);
    failed(Opened::open(&url, |options| options).await.map(drop), "PostgreSQL cannot be reached");
}
