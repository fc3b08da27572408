//! What a cache must never do: answer with what is no longer so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use storehouse::{EventKind, Transaction, prelude::*};
use storehouse_conformance::native::block_on;
use storehouse_runtime::{
    Error,
    layers::{Cached, Chaos},
};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "items", changes)]
struct Item {
    #[table(key)]
    id: i64,
    value: i64,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "plain_items")]
struct PlainItem {
    #[table(key)]
    id: i64,
    value: i64,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "parts")]
struct Part {
    #[table(key)]
    id: i64,
    #[table(references(PlainItem::id, on_delete = "cascade"))]
    item_id: i64,
}

async fn in_memory() -> (Cached, Store) {
    let cached = Cached::new();
    let store = storehouse::open("memory:").await.unwrap();
    (cached.clone(), store.layer(cached))
}

#[tokio::test]
async fn what_is_not_there_is_remembered_until_it_is() {
    let (cached, store) = in_memory().await;
    let items = store.tabular::<PlainItem>().await.unwrap();
    items.setup_database().await.unwrap();
    for _ in 0..3 {
        assert_eq!(items.get(&1).await.unwrap(), None);
    }
    let statistics = cached.statistics();
    assert_eq!((statistics.hits, statistics.misses), (2, 1));
    items.insert(PlainItem { id: 1, value: 7 }).await.unwrap();
    assert_eq!(items.get(&1).await.unwrap(), Some(PlainItem { id: 1, value: 7 }));
    assert!((cached.statistics().hit_ratio() - 0.5).abs() < 1e-9);
}

#[tokio::test]
async fn many_keys_are_read_at_once_and_only_those_that_are_missing() {
    let (cached, store) = in_memory().await;
    let items = store.tabular::<PlainItem>().await.unwrap();
    items.setup_database().await.unwrap();
    items.put_bulk((1..=3).map(|id| PlainItem { id, value: id })).await.unwrap();
    items.get(&2).await.unwrap();
    let read = items.get_many(&[3, 9, 2, 1, 3]).await.unwrap();
    let values: Vec<_> = read.iter().map(|item| item.as_ref().map(|item| item.value)).collect();
    assert_eq!(values, [Some(3), None, Some(2), Some(1), Some(3)]);
    let before = cached.statistics();
    assert_eq!(items.get_many(&[1, 2, 3, 9]).await.unwrap().iter().flatten().count(), 3);
    assert_eq!(cached.statistics().misses, before.misses);
}

#[tokio::test]
async fn a_failing_source_is_an_error_and_not_remembered() {
    let store = storehouse::open("memory:").await.unwrap();
    let items = store.tabular::<PlainItem>().await.unwrap();
    items.setup_database().await.unwrap();
    items.put(PlainItem { id: 1, value: 7 }).await.unwrap();
    let cached = Cached::new();
    let failing = items.layer(Chaos::new(1).failures(1.0)).layer(cached.clone());
    for _ in 0..2 {
        assert!(matches!(failing.get(&1).await, Err(Error::Busy { .. })));
        assert!(matches!(failing.get_many(&[1, 2]).await, Err(Error::Busy { .. })));
    }
    assert_eq!(cached.statistics().hits, 0);
}

#[tokio::test]
async fn many_who_ask_at_once_read_once_or_share_its_error() {
    for failures in [0.0, 1.0] {
        let store = storehouse::open("memory:").await.unwrap();
        let numbers = store.kv::<String, i64>("numbers").await.unwrap();
        numbers.setup_database().await.unwrap();
        numbers.put("seven", 7).await.unwrap();
        let slow = Chaos::new(1).delays(1.0, Duration::from_millis(50)).failures(failures);
        let cached = Cached::new();
        let numbers = numbers.layer(slow).layer(cached.clone());
        let reads = (0..50).map(|_| numbers.get("seven"));
        for read in futures::future::join_all(reads).await {
            match read {
                Ok(value) => assert_eq!((value, failures), (Some(7), 0.0)),
                Err(error) => {
                    assert!(error.to_string().contains("Chaos"), "{error}");
                    assert!((failures - 1.0).abs() < f64::EPSILON);
                }
            }
        }
        let statistics = cached.statistics();
        assert_eq!((statistics.misses, statistics.shared), (50, 49));
    }
}

#[tokio::test]
async fn a_transaction_is_seen_once_it_has_committed() {
    let (_, store) = in_memory().await;
    let items = store.tabular::<PlainItem>().await.unwrap();
    items.setup_database().await.unwrap();
    items.put(PlainItem { id: 1, value: 1 }).await.unwrap();
    items.get(&1).await.unwrap();

    let tx = store.begin().await.unwrap();
    items.in_tx(&tx).put(PlainItem { id: 1, value: 2 }).await.unwrap();
    assert_eq!(items.in_tx(&tx).get(&1).await.unwrap().unwrap().value, 2);
    assert_eq!(items.get(&1).await.unwrap().unwrap().value, 1);
    tx.commit().await.unwrap();
    assert_eq!(items.get(&1).await.unwrap().unwrap().value, 2);

    // In a part of one too, and an event's listener reads what it is told of.
    let (told, seen) = std::sync::mpsc::channel();
    let _subscription = items.events().on(EventKind::Put, move |_| told.send(()).unwrap());
    let work = async |tx: &Transaction| {
        tx.savepoint(async |part: &Transaction| {
            items.in_tx(part).put(PlainItem { id: 1, value: 3 }).await
        })
        .await
    };
    store.transaction(work).await.unwrap();
    seen.try_recv().unwrap();
    assert_eq!(items.get(&1).await.unwrap().unwrap().value, 3);
}

#[tokio::test]
async fn a_deletion_that_cascades_is_seen_there() {
    let (_, store) = in_memory().await;
    let items = store.tabular::<PlainItem>().await.unwrap();
    let parts = store.tabular::<Part>().await.unwrap();
    store.setup_database::<(PlainItem, Part)>().await.unwrap();
    items.put(PlainItem { id: 1, value: 1 }).await.unwrap();
    parts.put(Part { id: 10, item_id: 1 }).await.unwrap();
    assert!(parts.get(&10).await.unwrap().is_some());
    items.delete(&1).await.unwrap();
    assert_eq!(parts.get(&10).await.unwrap(), None);
}

#[tokio::test]
async fn sql_of_the_programs_own_may_change_anything() {
    let cached = Cached::new();
    let store = storehouse::open("sqlite::memory:").await.unwrap().layer(cached);
    let items = store.tabular::<PlainItem>().await.unwrap();
    items.setup_database().await.unwrap();
    items.put(PlainItem { id: 1, value: 1 }).await.unwrap();
    items.get(&1).await.unwrap();
    store.raw_sql("UPDATE plain_items SET value = 2").execute().await.unwrap();
    assert_eq!(items.get(&1).await.unwrap().unwrap().value, 2);
    let work = async |tx: &Transaction| {
        store.raw_sql("UPDATE plain_items SET value = 3").in_tx(tx).execute().await
    };
    store.transaction(work).await.unwrap();
    assert_eq!(items.get(&1).await.unwrap().unwrap().value, 3);
}

/// Two stores on one file are as two processes are: nothing but the database connects them.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_store_writes_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shared.db").display());
    let other = storehouse::open(&url).await.unwrap().tabular::<Item>().await.unwrap();
    other.setup_database().await.unwrap();
    other.put(Item { id: 1, value: 1 }).await.unwrap();

    // So long that only the log of changes can tell.
    let cached = Cached::new().time_to_live(Duration::from_hours(1));
    let store = storehouse::open(&url).await.unwrap().layer(cached.clone());
    let items = store.tabular::<Item>().await.unwrap();
    assert_eq!(items.get(&1).await.unwrap().unwrap().value, 1);
    assert_eq!(items.get(&1).await.unwrap().unwrap().value, 1);
    assert_eq!(cached.statistics().hits, 1);
    other.put(Item { id: 1, value: 2 }).await.unwrap();
    let seen = async {
        while items.get(&1).await.unwrap().unwrap().value != 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the change is seen");
    other.delete_all().await.unwrap();
    let seen = async {
        while items.get(&1).await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the deletion is seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_writes_into_a_key_value_store_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shared.db").display());
    let other = storehouse::open(&url).await.unwrap().kv_logged::<String, i64>("n").await.unwrap();
    other.setup_database().await.unwrap();
    let cached = Cached::new().time_to_live(Duration::from_hours(1));
    let store = storehouse::open(&url).await.unwrap().layer(cached.clone());
    let numbers = store.kv_logged::<String, i64>("n").await.unwrap();
    assert_eq!(numbers.get("a").await.unwrap(), None);
    assert_eq!(numbers.get("a").await.unwrap(), None);
    assert_eq!(cached.statistics().hits, 1);
    other.put("a", 7).await.unwrap();
    let seen = async {
        while numbers.get("a").await.unwrap() != Some(7) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the change is seen");
}

/// The layer outlives what it was put around, and must not keep it open.
#[tokio::test]
async fn a_database_closes_though_the_layer_is_kept() {
    let (url, cached) = ("memory://closes_though_the_layer_is_kept", Cached::new());
    let store = storehouse::open(url).await.unwrap().layer(cached.clone());
    let items = store.tabular::<Item>().await.unwrap();
    items.setup_database().await.unwrap();
    items.get(&1).await.unwrap();
    items.get(&1).await.unwrap();
    assert_eq!(cached.statistics().hits, 1);
    drop((items, store));
    let closed = async {
        loop {
            let again = storehouse::open(url).await.unwrap();
            let items = again.tabular::<Item>().await.unwrap();
            if items.get(&1).await.is_err() {
                return;
            }
            drop((items, again));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), closed).await.expect("nobody holds it");
}

/// The task that follows ends with the runtime that it runs on.
#[test]
fn another_runtime_begins_to_follow_anew() {
    let (cached, store) = block_on(in_memory());
    let read = async || {
        let items = store.tabular::<Item>().await.unwrap();
        items.setup_database().await.unwrap();
        items.get(&1).await.unwrap()
    };
    assert_eq!(block_on(read()), None);
    let write = async {
        let bare = store.clone();
        bare.tabular::<Item>().await.unwrap().put(Item { id: 1, value: 1 }).await.unwrap();
    };
    block_on(write);
    assert_eq!(block_on(read()).unwrap().value, 1);
    assert_eq!(cached.statistics().hits, 0, "nothing was kept from one runtime to the next");
}

/// Who reads while another writes may see the value of before or after, but once a write is done,
/// nobody reads an older one, and nobody ever reads backwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_reads_what_is_older_than_a_write_that_is_done() {
    let store = storehouse::open("memory:").await.unwrap();
    let items = store.tabular::<PlainItem>().await.unwrap();
    items.setup_database().await.unwrap();
    items.put(PlainItem { id: 1, value: 0 }).await.unwrap();
    let delays = Chaos::new(3).delays(0.5, Duration::from_micros(200));
    let (bare, items) = (items.clone(), items.layer(delays).layer(Cached::new()));
    let (done, is_over) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let readers: Vec<_> = (0..6)
        .map(|_| {
            let (items, done, is_over) = (items.clone(), Arc::clone(&done), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Acquire) {
                    let at_least = done.load(Ordering::Acquire);
                    let read = items.get(&1).await.unwrap().unwrap().value;
                    assert!(read >= at_least, "{read} was read after {at_least} was written");
                }
            })
        })
        .collect();
    for value in 1..=400 {
        items.put(PlainItem { id: 1, value }).await.unwrap();
        done.store(value, Ordering::Release);
        // Given up half way, a write may still be done, and then it is seen too.
        let abandoned = items.put(PlainItem { id: 2, value });
        let _ = tokio::time::timeout(Duration::from_micros(50), abandoned).await;
        items.get(&2).await.unwrap();
    }
    is_over.store(true, Ordering::Release);
    for reader in readers {
        reader.await.unwrap();
    }
    let same = async {
        let mut in_a_row = 0;
        while in_a_row < 20 {
            let is_same = items.get(&2).await.unwrap() == bare.get(&2).await.unwrap();
            in_a_row = if is_same { in_a_row + 1 } else { 0 };
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), same).await.expect("nothing stale stays");
}
