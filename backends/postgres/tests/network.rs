//! The network is cut, or says nothing any more.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use futures::future::{join, join3};
use storehouse::{Error, PatchField::Set, Result};
use storehouse_postgres::PostgresOptions;
use storehouse_test_postgres::Database;
use support::{server::Watcher, *};

const A_WHILE: Duration = Duration::from_millis(200);

async fn open_behind_proxy(
    options: impl FnOnce(PostgresOptions) -> PostgresOptions,
) -> (Database, Proxy, Opened) {
    let database = Database::create().await;
    let network = Proxy::to(database.url()).await;
    let url = format!("{}?application_name=tested", network.url(database.url()));
    let opened = Opened::open(&url, options).await.unwrap();
    opened.table::<Item>().await.put_bulk((0..64).map(item)).await.unwrap();
    (database, network, opened)
}

#[track_caller]
fn is_retryable(error: &Error) {
    assert!(matches!(error, Error::Backend { .. }) && error.is_retryable(), "{error:?}");
}

#[track_caller]
fn is_lost<T: std::fmt::Debug>(result: Result<T>) {
    let error = result.unwrap_err();
    is_retryable(&error);
    assert!(error.to_string().contains("may or may not have been done"), "{error}");
}

#[tokio::test]
async fn a_cut_fails_writes_and_not_reads() {
    for cut in [Cut::End, Cut::Reset] {
        let (database, network, opened) =
            open_behind_proxy(|options| options.lock_timeout(PATIENCE)).await;
        let items = opened.store.tabular::<Item>().await.unwrap();
        // All of them wait for this when the network is cut.
        let other = Other::hold(&database, "LOCK TABLE item IN ACCESS EXCLUSIVE MODE").await;
        let mut watcher = Watcher::new(&database).await;
        let break_off = async {
            watcher.wait_for_waiting(3).await;
            network.cut(cut);
            // Those on the server do not know yet.
            drop(other);
        };
        let patch = ItemPatch { amount: Set(1), ..ItemPatch::default() };
        let work = join3(
            items.query(Item::ID.eq(0)).into_future(),
            items.update(&1, patch),
            items.delete(&2),
        );
        let ((read, update, delete), ()) = in_time(join(work, break_off)).await;
        assert_eq!(read.unwrap(), [item(0)]);
        is_lost(update);
        is_lost(delete);
        // An idle connection is cut too.
        network.cut(cut);
        assert_eq!(items.get(&3).await.unwrap(), Some(item(3)));
        assert_eq!(items.put(item(3)).await.unwrap(), item(3));
    }
}

#[tokio::test]
async fn a_cut_fails_all_who_shared_a_statement() {
    for cut in [Cut::End, Cut::Reset] {
        let (_database, network, opened) = open_behind_proxy(|options| options).await;
        let items = opened.store.tabular::<Item>().await.unwrap();
        network.hold();
        let break_off = async {
            tokio::time::sleep(A_WHILE).await;
            network.cut(cut);
        };
        let writes = put_at_once(&items, (0..64).map(|id| Item { amount: -1, ..item(id) }));
        let reads = get_at_once(&items, 0..64);
        let (writes, reads, ()) = join3(writes, reads, break_off).await;
        for write in writes {
            match write {
                Ok(stored) => assert_eq!(items.get(&stored.id).await.unwrap(), Some(stored)),
                Err(error) => is_retryable(&error),
            }
        }
        for (id, found) in (0..64).zip(reads) {
            match found {
                Ok(found) => assert_eq!(found.unwrap().id, id),
                // Its connection was cut while it was being opened.
                Err(error) => is_retryable(&error),
            }
        }
        let found = get_at_once(&items, 0..64).await;
        assert!(found.into_iter().all(|found| found.unwrap().is_some()));
    }
}

/// A network that says nothing is told from a slow one by the program, which stops waiting.
#[tokio::test]
async fn silence_ends_with_those_who_wait() {
    let (_database, network, opened) =
        open_behind_proxy(|options| options.acquire_timeout(A_WHILE)).await;
    let items = opened.store.tabular::<Item>().await.unwrap();
    network.hold();
    // More than there are lanes, again and again.
    for _ in 0..8 {
        let reads = (0..64).map(|id| {
            let items = items.clone();
            async move { tokio::time::timeout(A_WHILE / 4, items.get(&id)).await.map(drop) }
        });
        let writes = (0..64).map(|id| {
            let items = items.clone();
            async move { tokio::time::timeout(A_WHILE / 4, items.put(item(id))).await.map(drop) }
        });
        join(at_once(reads), at_once(writes)).await;
    }
    // The connections from before are never heard of again.
    network.cut(Cut::Reset);
    assert_eq!(in_time(items.get(&0)).await.unwrap(), Some(item(0)));
    for stored in put_at_once(&items, (0..64).map(item)).await {
        stored.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let database = Database::create().await;
    let network = Proxy::to(database.url()).await;
    network.hold();
    let url = network.url(database.url());
    let silent = Opened::open(&url, |options| options.acquire_timeout(A_WHILE));
    let error = in_time(silent).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::Backend { .. }) && error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("`acquire_timeout`"), "{error}");
}

/// An idle connection that was cut off without a word is found out, since it is asked.
#[tokio::test]
async fn silence_is_found_out_before_a_write_is_sent() {
    let (_database, network, opened) =
        open_behind_proxy(|options| options.acquire_timeout(A_WHILE)).await;
    let items = opened.store.tabular::<Item>().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    network.cut(Cut::Silence);
    assert_eq!(in_time(items.put(item(0))).await.unwrap(), item(0));
}
