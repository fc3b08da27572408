//! Following a key-value store: every put and delete, once it is committed, with its values.

use std::time::Duration;

use futures::{
    StreamExt as _,
    future::{Either, select},
};
use storehouse::{
    ChangeCursor, Since,
    kv::{Kv, KvChange, KvChangeKind, KvChangeOptions, KvChanges, KvKey, KvValue},
};
use storehouse_runtime::{Error, Result, Store};

use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused},
};

/// Longer than any change takes to come, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

async fn logged(store: &Store) -> Result<Kv<String, i64>> {
    let kv = store.kv_logged("counts").await?;
    kv.setup_database().await?;
    Ok(kv)
}

/// The next change, which has to come.
async fn next<K: KvKey, V: KvValue>(changes: &mut KvChanges<K, V>) -> Result<KvChange<K, V>> {
    let patience = futures_timer::Delay::new(PATIENCE);
    match select(Box::pin(changes.try_next()), patience).await {
        Either::Left((Ok(Some(change)), _)) => Ok(change),
        Either::Left((Ok(None), _)) => panic!("the changes have ended"),
        Either::Left((Err(error), _)) => Err(error),
        Either::Right(_) => panic!("no change came within {PATIENCE:?}"),
    }
}

/// The next changes, in short: what happened, and the old and the new value.
async fn short(changes: &mut KvChanges<String, i64>, count: usize) -> Result<Vec<String>> {
    let mut shown = Vec::new();
    for _ in 0..count {
        let KvChange { kind, key, old, new, .. } = next(changes).await?;
        let value = |value: Option<i64>| value.map_or("-".to_owned(), |value| value.to_string());
        let key = key.unwrap_or_default();
        shown.push(format!("{kind:?} {key} {} {}", value(old), value(new)));
    }
    Ok(shown)
}

pub(crate) async fn tell_what_was_put_and_deleted(store: &Store) -> Outcome {
    let counts = logged(store).await?;
    let mut changes = counts.changes(Since::Now).await?;
    counts.put("a", 1).await?;
    counts.increment("a", 4).await?;
    assert!(counts.compare_and_swap("a", Some(&5), Some(6)).await?);
    assert!(!counts.compare_and_swap("a", Some(&5), Some(7)).await?);
    counts.put_bulk([("a", 7), ("b", 1)]).await?;
    assert!(counts.delete("a").await?);
    assert!(!counts.delete("a").await?);
    counts.delete_all().await?;
    let mut told = short(&mut changes, 7).await?;
    // What is written together comes in any order.
    told[3..5].sort();
    let expected = [
        "Put a - 1",
        "Put a 1 5",
        "Put a 5 6",
        "Put a 6 7",
        "Put b - 1",
        "Delete a 7 -",
        "Delete b 1 -",
    ];
    assert_eq!(told, expected);
    Ok(())
}

pub(crate) async fn wait_for_the_commit(store: &Store) -> Outcome {
    let counts = logged(store).await?;
    counts.put("a", 1).await?;
    let mut changes = counts.changes(Since::Now).await?;
    let undone = store
        .transaction(async |tx| {
            counts.in_tx(tx).put("a", 2).await?;
            Err::<(), _>(Error::validation("on purpose"))
        })
        .await;
    is_refused("on purpose", undone);
    store.transaction(async |tx| counts.in_tx(tx).delete_all().await).await?;
    store.transaction(async |tx| counts.in_tx(tx).put("b", 3).await).await?;
    assert_eq!(short(&mut changes, 2).await?, ["Delete a 1 -", "Put b - 3"]);
    Ok(())
}

pub(crate) async fn begin_with_a_snapshot_and_go_on_after_a_cursor(store: &Store) -> Outcome {
    let counts = logged(store).await?;
    counts.put("a", 1).await?;
    counts.put("b", 2).await?;
    let mut changes = counts.changes(Since::Snapshot).await?;
    counts.put("c", 3).await?;
    let mut snapshot = short(&mut changes, 2).await?;
    snapshot.sort();
    assert_eq!(snapshot, ["Current a - 1", "Current b - 2"]);
    assert_eq!(short(&mut changes, 2).await?, ["SnapshotEnd  - -", "Put c - 3"]);
    let stored = changes.cursor().to_string();
    drop(changes);
    counts.put("d", 4).await?;
    let cursor: ChangeCursor = stored.parse()?;
    let mut resumed = counts.changes(Since::After(cursor.clone())).await?;
    assert_eq!(short(&mut resumed, 1).await?, ["Put d - 4"]);
    // A cursor of another store is refused.
    let others = store.kv_logged::<String, i64>("others").await?;
    others.setup_database().await?;
    fails("Validation", others.changes(Since::After(cursor)).await);
    Ok(())
}

pub(crate) async fn can_be_those_of_a_prefix(store: &Store) -> Outcome {
    let counts = logged(store).await?;
    let mut changes = counts.changes(Since::Now).prefix("user:").await?;
    counts.put("other", 1).await?;
    counts.put("user:1", 2).await?;
    counts.put("user", 3).await?;
    counts.delete("user:1").await?;
    assert_eq!(short(&mut changes, 2).await?, ["Put user:1 - 2", "Delete user:1 2 -"]);
    Ok(())
}

/// That an entry expires is nothing that was written. That it is removed is.
pub(crate) async fn tell_of_what_has_expired_once_it_is_removed(store: &Store) -> Outcome {
    let counts = logged(store).await?;
    counts.put("stays", 1).await?;
    // The first write with a time to live removes what has expired, and the next within a minute not.
    counts.put_with_time_to_live("first", 1, Duration::from_hours(1)).await?;
    let mut changes = counts.changes(Since::Now).await?;
    counts.put_with_time_to_live("a", 5, Duration::from_millis(20)).await?;
    let put = next(&mut changes).await?;
    assert_eq!((put.kind, put.new), (KvChangeKind::Put, Some(5)));
    assert!(put.expires_at.is_some());
    futures_timer::Delay::new(Duration::from_millis(60)).await;
    assert_eq!(counts.get("a").await?, None);
    // It is not in a snapshot any more either.
    let mut snapshot = counts.changes(Since::Snapshot).await?;
    let mut there = short(&mut snapshot, 2).await?;
    there.sort();
    assert_eq!(there, ["Current first - 1", "Current stays - 1"]);
    assert_eq!(short(&mut snapshot, 1).await?, ["SnapshotEnd  - -"]);
    counts.put("b", 1).await?;
    assert_eq!(short(&mut changes, 1).await?, ["Put b - 1"]);
    assert_eq!(counts.purge_expired().await?, 1);
    assert_eq!(short(&mut changes, 1).await?, ["Delete a 5 -"]);
    // That it is to expire at another time is told.
    assert!(counts.expire("first", None).await?);
    let put = next(&mut changes).await?;
    assert_eq!((put.old, put.new, put.expires_at), (Some(1), Some(1), None));
    Ok(())
}

pub(crate) async fn need_a_log_and_end_with_it(store: &Store) -> Outcome {
    let plain = store.kv::<String, i64>("plain").await?;
    plain.setup_database().await?;
    is_refused("kv_logged", plain.changes(Since::Now).await);
    // A store that is there can be logged later.
    let logged = store.kv_logged::<String, i64>("plain").await?;
    plain.put("a", 1).await?;
    logged.setup_database().await?;
    let mut changes = logged.changes(Since::Now).await?;
    plain.put("a", 2).await?;
    assert_eq!(short(&mut changes, 1).await?, ["Put a 1 2"]);
    logged.remove_change_log().await?;
    fails("Schema", logged.changes(Since::Now).await);
    Ok(())
}

pub(crate) async fn of_a_logged_store_are_those_of_all_its_stores(store: &Store) -> Outcome {
    let store = store.clone().with_logged_changes();
    let bytes = store.kv::<i64, Vec<u8>>("bytes").await?;
    bytes.setup_database().await?;
    let mut changes = bytes.changes(Since::Now).await?;
    bytes.put(7, vec![0, 255]).await?;
    let put = next(&mut changes).await?;
    assert_eq!((put.key, put.new), (Some(7), Some(vec![0, 255])));
    Ok(())
}

pub(crate) async fn can_be_given_to_a_callback(store: &Store) -> Outcome {
    let counts = logged(store).await?;
    let (tell, mut told) = futures::channel::mpsc::unbounded();
    let options = KvChangeOptions::new().poll_interval(Duration::from_secs(1));
    let told_of = move |change: Result<KvChange<String, i64>>| drop(tell.unbounded_send(change));
    let subscription = counts.subscribe_to_changes(told_of, options).await?;
    counts.put("a", 1).await?;
    let patience = futures_timer::Delay::new(PATIENCE);
    let Either::Left((Some(change), _)) = select(told.next(), patience).await else {
        panic!("no change came within {PATIENCE:?}");
    };
    assert_eq!(change?.new, Some(1));
    drop(subscription);
    assert!(told.next().await.is_none(), "its end drops the callback");
    Ok(())
}
