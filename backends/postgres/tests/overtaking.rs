//! Somebody waits for a lock: others overtake, except where the order is seen.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{pin::pin, time::Duration};

use futures::{
    StreamExt as _,
    future::{join, join_all},
    poll,
    stream::FuturesUnordered,
};
use storehouse::Error;
use support::*;

/// Longer than a batch waits for a lock, and than it may take before others overtake it.
const A_WHILE: Duration = Duration::from_millis(200);

/// Locks the item 0.
const LOCK: &str = "UPDATE item SET amount = amount WHERE id = 0";

#[tokio::test]
async fn a_locked_row_holds_up_nobody_else() {
    let (database, opened) = open(|options| options.lock_timeout(PATIENCE)).await;
    let items = opened.table::<Item>().await;
    items.put(item(0)).await.unwrap();
    let mut other = Other::hold(&database, LOCK).await;
    // The locked one comes first, in the middle and last.
    for place in [0, 30, 63] {
        let ids = (1..64_usize).map(|id| if id == place.max(1) { 0 } else { id });
        let mut puts: FuturesUnordered<_> = ids
            .map(|id| {
                let row = item(i64::try_from(id).unwrap());
                async { (row.id, items.put(row).await) }
            })
            .collect();
        for _ in 1..63 {
            let (id, stored) = in_time(puts.next()).await.unwrap();
            assert_eq!(stored.unwrap(), item(id));
            assert_ne!(id, 0, "the row is still locked");
        }
        other.run("COMMIT").await;
        let (id, stored) = in_time(puts.next()).await.unwrap();
        assert_eq!((id, stored.unwrap()), (0, item(0)));
        other.run("BEGIN").await;
        other.run(LOCK).await;
    }
}

/// It is slow for no lock, so it has no end of its own. Who waits is not held up by it, even where
/// the one who began to wait is gone.
#[tokio::test]
async fn a_slow_write_holds_up_nobody_else() {
    let (database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    database
        .run(
            "CREATE TABLE gate (id bigint);
             CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 WHILE NOT EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.01); END LOOP;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER wait BEFORE INSERT ON item FOR EACH ROW WHEN (NEW.id = 0)
                 EXECUTE FUNCTION wait();",
        )
        .await;
    let mut slow = pin!(items.put(item(0)));
    assert!(poll!(&mut slow).is_pending());
    for id in [1, 3, 5] {
        let mut leaving = Box::pin(items.put(item(id)));
        let mut staying = Box::pin(items.put(item(id + 1)));
        assert!(poll!(&mut leaving).is_pending());
        assert!(poll!(&mut staying).is_pending());
        drop(leaving);
        assert_eq!(in_time(staying).await.unwrap(), item(id + 1));
        assert!(poll!(&mut slow).is_pending());
    }
    database.run("INSERT INTO gate VALUES (1)").await;
    assert_eq!(in_time(slow).await.unwrap(), item(0));
}

#[tokio::test]
async fn who_wants_a_locked_row_is_told_in_time() {
    let (database, opened) = open(|options| options.lock_timeout(A_WHILE)).await;
    let items = opened.table::<Item>().await;
    items.put(item(0)).await.unwrap();
    let other = Other::hold(&database, LOCK).await;
    let stored = put_at_once(&items, (0..64).map(item)).await;
    for (id, stored) in (0..64).zip(stored) {
        match stored {
            Ok(stored) if id > 0 => assert_eq!(stored, item(id)),
            Err(error @ Error::Busy { .. }) if id == 0 => {
                assert!(error.is_retryable());
                assert!(error.to_string().contains("`lock_timeout`"), "{error}");
            }
            other => panic!("{id}: {other:?}"),
        }
    }
    drop(other);
    in_time(items.put(item(0))).await.unwrap();
}

#[tokio::test]
async fn what_waits_for_a_lock_keeps_its_order() {
    let (database, opened) = open(|options| options.lock_timeout(PATIENCE)).await;
    let items = opened.table::<Item>().await;
    items.put(Item { amount: -1, ..item(0) }).await.unwrap();
    log_changes(&database).await;
    let other = Other::hold(&database, LOCK).await;
    let puts = async {
        let mut puts = FuturesUnordered::new();
        for amount in 0..4 {
            puts.push(items.put(Item { amount, ..item(0) }));
            // One more each time the others have stalled; the timeout drives them.
            let _ = tokio::time::timeout(A_WHILE, puts.next()).await;
            items.put(item(amount + 1)).await.unwrap();
        }
        drop(other);
        puts.map(Result::unwrap).collect::<Vec<_>>().await
    };
    assert_eq!(in_time(puts).await.len(), 4);
    // The other transaction has changed nothing.
    assert_eq!(logged(&database, 0).await, [0, 1, 2, 3]);
}

/// While a table is rebuilt, nobody can read it.
#[tokio::test]
async fn a_locked_table_is_waited_for() {
    for reads in [1, 64] {
        let (database, opened) = open(|options| options.lock_timeout(PATIENCE)).await;
        let items = opened.table::<Item>().await;
        items.put_bulk((0..64).map(item)).await.unwrap();
        let other = Other::hold(&database, "LOCK TABLE item IN ACCESS EXCLUSIVE MODE").await;
        let found = async { get_at_once(&items, 0..reads).await };
        let end = async {
            tokio::time::sleep(A_WHILE).await;
            drop(other);
        };
        let (found, ()) = in_time(join(found, end)).await;
        for (id, found) in (0..).zip(found) {
            assert_eq!(found.unwrap(), Some(item(id)));
        }
    }
}

#[tokio::test]
async fn who_wants_a_locked_table_is_told_in_time() {
    let (database, opened) = open(|options| options.lock_timeout(A_WHILE)).await;
    let items = opened.table::<Item>().await;
    let other = Other::hold(&database, "LOCK TABLE item IN ACCESS EXCLUSIVE MODE").await;
    let (reads, writes) =
        join(get_at_once(&items, 0..8), put_at_once(&items, (0..8).map(item))).await;
    let errors = reads.into_iter().map(|read| read.unwrap_err());
    for error in errors.chain(writes.into_iter().map(|write| write.unwrap_err())) {
        assert!(matches!(error, Error::Busy { .. }), "{error}");
    }
    drop(other);
    in_time(items.put(item(0))).await.unwrap();
    assert_eq!(in_time(items.get(&0)).await.unwrap(), Some(item(0)));
}

/// Many wait for one row, and one for another.
#[tokio::test]
async fn a_crowd_on_one_key_starves_nobody() {
    let (_database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    let crowd = async {
        let step = async |amount| {
            for _ in 0..10 {
                items.put(Item { amount, ..item(0) }).await.unwrap();
            }
        };
        join_all((0..50).map(step)).await;
    };
    let one = async {
        for id in 1..=20 {
            items.put(item(id)).await.unwrap();
            assert_eq!(items.get(&id).await.unwrap(), Some(item(id)));
        }
    };
    in_time(join(crowd, one)).await;
    assert_eq!(items.size().await.unwrap(), 21);
}

/// While somebody replaces a row, PostgreSQL may find its name taken by itself.
#[tokio::test]
async fn who_puts_the_same_row_does_not_clash() {
    let (database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    items.put_bulk((0..64).map(item)).await.unwrap();
    let put = async |number: i64| {
        // On connections of their own.
        let other = Opened::open(database.url(), |options| options).await.unwrap();
        let items = other.store.tabular::<Item>().await.unwrap();
        for amount in 0..50 {
            items.put(Item { amount, ..item(number % 2) }).await.unwrap();
            items.put_bulk((0..64).map(|id| Item { amount, ..item(id) })).await.unwrap();
        }
    };
    in_time(join_all((0..8).map(put))).await;
    assert_eq!(items.size().await.unwrap(), 64);
    let clash = items.put(Item { id: 100, ..item(0) }).await.unwrap_err();
    assert!(matches!(clash, Error::Conflict { .. }), "{clash}");
}
