//! Following a table: every change, once it is committed, in order, by whomever it was made.

use std::{collections::BTreeMap, time::Duration};

use futures::{
    StreamExt as _,
    future::{Either, join_all, select},
};
use storehouse::{
    Change, ChangeCursor, ChangeKind, ChangeOptions, Changes, PatchField::Set, Since, Table,
    increment,
};
use storehouse_runtime::{Error, Result, Row, Store};

use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused, set_up},
};

/// Longer than any change takes to come, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "offers", changes)]
pub(super) struct Offer {
    #[table(key, auto)]
    pub(super) id: i64,
    #[table(unique)]
    pub(super) sku: String,
    pub(super) price: f64,
    pub(super) note: Option<String>,
}

pub(super) fn offer(sku: &str, price: f64) -> OfferInsert {
    OfferInsert { sku: sku.into(), price }
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "counters", changes)]
pub(super) struct Counter {
    #[table(key)]
    pub(super) id: i64,
    pub(super) value: i64,
}

/// The next change, which has to come.
pub(super) async fn next<T: Row>(changes: &mut Changes<T>) -> Result<Change<T>> {
    let patience = futures_timer::Delay::new(PATIENCE);
    let next = Box::pin(changes.try_next());
    match select(next, patience).await {
        Either::Left((Ok(Some(change)), _)) => Ok(change),
        Either::Left((Ok(None), _)) => panic!("the changes have ended"),
        Either::Left((Err(error), _)) => Err(error),
        Either::Right(_) => panic!("no change came within {PATIENCE:?}"),
    }
}

/// The next changes, in short: what happened, and the old and the new price.
pub(super) async fn short(changes: &mut Changes<Offer>, count: usize) -> Result<Vec<String>> {
    let mut shown = Vec::new();
    for _ in 0..count {
        let Change { kind, key, old, new, .. } = next(changes).await?;
        let id = new.as_ref().or(old.as_ref()).map(|offer| offer.id);
        assert_eq!(key, id);
        let show = |offer: Option<Offer>| {
            offer.map_or_else(String::new, |offer| format!(" {}={}", offer.sku, offer.price))
        };
        shown.push(format!("{kind:?}{} ->{}", show(old), show(new)));
    }
    Ok(shown)
}

pub(crate) async fn tell_what_happened_to_each_row(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let before = chrono::Utc::now() - chrono::TimeDelta::minutes(10);
    let mut changes = offers.changes(Since::Now).await?;
    let stored = offers.put(offer("a", 1.0)).await?;
    let dearer = OfferPatch { price: Set(2.0), note: Set(Some("n".into())), ..Default::default() };
    let updated = offers.update(&stored.id, dearer).await?;
    offers.delete(&stored.id).await?;

    let insert = next(&mut changes).await?;
    assert_eq!((insert.kind, insert.key), (ChangeKind::Insert, Some(stored.id)));
    assert_eq!((insert.old, insert.new.as_ref()), (None, Some(&stored)));
    assert!(insert.at > before && insert.at < before + chrono::TimeDelta::minutes(20));
    let update = next(&mut changes).await?;
    assert_eq!((update.kind, update.key), (ChangeKind::Update, Some(stored.id)));
    assert_eq!((update.old, update.new.clone()), (Some(stored.clone()), updated));
    let delete = next(&mut changes).await?;
    assert_eq!((delete.kind, delete.key), (ChangeKind::Delete, Some(stored.id)));
    assert_eq!((delete.old, delete.new), (update.new, None));
    assert!(insert.cursor != update.cursor && update.cursor != delete.cursor);
    assert_eq!(*changes.cursor(), delete.cursor);
    Ok(())
}

pub(crate) async fn come_from_every_operation(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let mut changes = offers.changes(Since::Now).await?;
    let a = offers.insert(offer("a", 1.0)).await?;
    offers.put(Offer { price: 2.0, ..a.clone() }).await?;
    assert!(offers.insert_if_absent(a.clone()).await?.is_none());
    offers.insert_if_absent(offer("b", 1.0)).await?;
    offers.upsert_by(Offer::SKU, offer("b", 2.0)).await?;
    offers.upsert_by(Offer::SKU, offer("c", 1.0)).await?;
    assert_eq!(
        short(&mut changes, 5).await?,
        [
            "Insert -> a=1",
            "Update a=1 -> a=2",
            "Insert -> b=1",
            "Update b=1 -> b=2",
            "Insert -> c=1"
        ]
    );
    offers
        .update_where(Offer::SKU.ne("a"), OfferPatch { price: Set(9.0), ..Default::default() })
        .await?;
    let mut updated = short(&mut changes, 2).await?;
    updated.sort();
    assert_eq!(updated, ["Update b=2 -> b=9", "Update c=1 -> c=9"]);
    offers.delete_search(Offer::SKU.eq("b")).await?;
    assert_eq!(short(&mut changes, 1).await?, ["Delete b=9 ->"]);
    offers.put_bulk([offer("d", 1.0), offer("e", 1.0)]).await?;
    let mut bulk = short(&mut changes, 2).await?;
    bulk.sort();
    assert_eq!(bulk, ["Insert -> d=1", "Insert -> e=1"]);
    offers.delete_all().await?;
    let mut deleted = short(&mut changes, 4).await?;
    deleted.sort();
    assert_eq!(deleted, ["Delete a=2 ->", "Delete c=9 ->", "Delete d=1 ->", "Delete e=1 ->"]);
    // What fails changes nothing, and neither does what finds nothing.
    offers.put(offer("f", 1.0)).await?;
    fails("Conflict", offers.insert(offer("f", 2.0)).await);
    fails("Conflict", offers.put_bulk([offer("g", 1.0), offer("f", 1.0)]).await);
    offers.delete(&-1).await?;
    offers.put(offer("h", 1.0)).await?;
    assert_eq!(short(&mut changes, 2).await?, ["Insert -> f=1", "Insert -> h=1"]);
    Ok(())
}

pub(crate) async fn wait_for_the_commit(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let mut changes = offers.changes(Since::Now).await?;
    let failed = store
        .transaction(async |tx| {
            offers.in_tx(tx).put(offer("lost", 1.0)).await?;
            Err::<(), _>(Error::application("no"))
        })
        .await;
    fails("Application", failed);
    let tx = store.begin().await?;
    offers.in_tx(&tx).put(offer("dropped", 1.0)).await?;
    drop(tx);

    let tx = store.begin().await?;
    let joined = offers.in_tx(&tx);
    let a = joined.put(offer("a", 1.0)).await?;
    let patch = OfferPatch { price: Set(2.0), ..Default::default() };
    joined.update(&a.id, patch).await?;
    let early =
        select(Box::pin(changes.try_next()), futures_timer::Delay::new(Duration::from_millis(300)));
    assert!(matches!(early.await, Either::Right(_)), "a change came before its commit");
    tx.commit().await?;
    assert_eq!(short(&mut changes, 2).await?, ["Insert -> a=1", "Update a=1 -> a=2"]);
    Ok(())
}

pub(crate) async fn leave_out_what_a_savepoint_undid(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let mut changes = offers.changes(Since::Now).await?;
    store
        .transaction(async |tx| {
            offers.in_tx(tx).put(offer("a", 1.0)).await?;
            let undone = tx
                .savepoint(async |part| {
                    offers.in_tx(part).put(offer("undone", 1.0)).await?;
                    Err::<(), _>(Error::application("no"))
                })
                .await;
            fails("Application", undone);
            tx.savepoint(async |part| offers.in_tx(part).put(offer("b", 1.0)).await).await
        })
        .await?;
    assert_eq!(short(&mut changes, 2).await?, ["Insert -> a=1", "Insert -> b=1"]);
    Ok(())
}

pub(crate) async fn go_on_after_a_cursor(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let mut changes = offers.changes(Since::Now).await?;
    let start = changes.cursor().clone();
    for number in 0..5 {
        offers.put(offer(&format!("{number}"), 1.0)).await?;
    }
    // Several of one statement and of one transaction have cursors of their own.
    offers.put_bulk((5..10).map(|number| offer(&format!("{number}"), 1.0))).await?;
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(next(&mut changes).await?);
    }
    drop(changes);
    let after = |cursor: &ChangeCursor| -> Result<ChangeCursor> { cursor.to_string().parse() };
    for (place, change) in all.iter().enumerate() {
        let mut resumed = offers.changes(Since::After(after(&change.cursor)?)).await?;
        for expected in &all[place + 1..] {
            assert_eq!(next(&mut resumed).await?, *expected);
        }
        let sku = format!("live after {place}");
        offers.put(offer(&sku, 1.0)).await?;
        let live = loop {
            let live = next(&mut resumed).await?.new.map(|offer| offer.sku);
            if live.as_deref() == Some(&sku) {
                break live;
            }
        };
        assert_eq!(live, Some(sku));
    }
    let mut from_start = offers.changes(Since::After(after(&start)?)).await?;
    assert_eq!(next(&mut from_start).await?, all[0]);
    Ok(())
}

pub(crate) async fn begin_with_a_snapshot_if_asked(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let rows = offers.put_bulk([offer("a", 1.0), offer("b", 2.0)]).await?;
    let mut changes = offers.changes(Since::Snapshot).await?;
    offers.put(offer("c", 3.0)).await?;
    let mut current = Vec::new();
    let end = loop {
        let change = next(&mut changes).await?;
        if change.kind == ChangeKind::SnapshotEnd {
            break change;
        }
        assert_eq!((change.kind, change.old), (ChangeKind::Current, None));
        assert_eq!(change.key, change.new.as_ref().map(|offer| offer.id));
        current.extend(change.new);
    };
    assert_eq!(current, rows);
    assert_eq!((end.key, end.old, end.new), (None, None, None));
    assert_eq!(short(&mut changes, 1).await?, ["Insert -> c=3"]);

    // From its end it can be gone on with; a part of it is begun anew.
    let mut resumed = offers.changes(Since::After(end.cursor)).await?;
    assert_eq!(short(&mut resumed, 1).await?, ["Insert -> c=3"]);
    let mut snapshot = offers.changes(Since::Snapshot).await?;
    let first = next(&mut snapshot).await?;
    let mut again = offers.changes(Since::After(first.cursor)).await?;
    for sku in ["a", "b", "c"] {
        let change = next(&mut again).await?;
        assert_eq!(change.kind, ChangeKind::Current);
        assert_eq!(change.new.map(|offer| offer.sku).as_deref(), Some(sku));
    }
    assert_eq!(next(&mut again).await?.kind, ChangeKind::SnapshotEnd);
    Ok(())
}

/// Writes go on while snapshots are taken: each snapshot and what follows it give what is there.
pub(crate) async fn miss_nothing_between_a_snapshot_and_what_follows(store: &Store) -> Outcome {
    const WRITES: i64 = 120;
    let counters = set_up::<Counter>(store).await?;
    let write = async {
        for number in 0..WRITES {
            let id = number % 7;
            if number % 11 == 10 {
                counters.delete(&id).await?;
            } else {
                counters.put(Counter { id, value: number }).await?;
            }
        }
        counters.put(Counter { id: 100, value: WRITES }).await?;
        Ok::<_, Error>(())
    };
    let follow = async |number: u64| {
        futures_timer::Delay::new(Duration::from_millis(number * 7)).await;
        let mut changes = counters.changes(Since::Snapshot).await?;
        let mut seen = BTreeMap::new();
        loop {
            let change = next(&mut changes).await?;
            // An insert of what is there, or a change of what is not, would be a repeat or a gap.
            let before = match (change.key, change.new) {
                (Some(id), Some(counter)) => seen.insert(id, counter),
                (Some(id), None) => seen.remove(&id),
                (None, _) => continue,
            };
            assert_eq!(before, change.old, "{:?} of {:?}", change.kind, change.key);
            if change.key == Some(100) {
                return Ok::<_, Error>(seen);
            }
        }
    };
    let (written, seen) = futures::join!(write, join_all((0..6).map(follow)));
    written?;
    let rows = counters.get_all().await?;
    for seen in seen {
        assert_eq!(seen?.into_values().collect::<Vec<_>>(), rows);
    }
    Ok(())
}

pub(crate) async fn pass_a_filter_by_the_old_or_the_new_row(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    offers.put_bulk([offer("old dear", 10.0), offer("old cheap", 1.0)]).await?;
    let dear = Offer::PRICE.gt(5.0);
    let mut changes = offers.changes(Since::Snapshot).filter(dear).await?;
    let a = offers.put(offer("a", 1.0)).await?;
    for price in [9.0, 8.0, 2.0, 3.0] {
        let patch = OfferPatch { price: Set(price), ..Default::default() };
        offers.update(&a.id, patch).await?;
    }
    offers.put(offer("b", 7.0)).await?;
    let expected = [
        "Current -> old dear=10",
        "SnapshotEnd ->",
        "Update a=1 -> a=9",
        "Update a=9 -> a=8",
        "Update a=8 -> a=2",
        "Insert -> b=7",
    ];
    assert_eq!(short(&mut changes, 6).await?, expected);
    Ok(())
}

pub(crate) async fn refuse_a_cursor_of_another_table(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let offers = set_up::<Offer>(store).await?;
    let cursor = counters.changes(Since::Now).await?.cursor().clone();
    is_refused("another table", offers.changes(Since::After(cursor)).await);
    Ok(())
}

pub(crate) async fn end_with_the_handle(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let mut changes = counters.changes(Since::Now).await?;
    let ends = async {
        futures_timer::Delay::new(Duration::from_millis(20)).await;
        counters.destroy();
    };
    let (ended, ()) = futures::join!(changes.try_next(), ends);
    assert!(ended?.is_none());
    fails("Closed", counters.changes(Since::Now).await);
    Ok(())
}

/// Two who keep up, one who takes nothing for long, and one who goes away in the middle of it.
pub(crate) async fn come_to_each_at_its_own_pace(store: &Store) -> Outcome {
    const COUNT: i64 = 3_000;
    let counters = set_up::<Counter>(store).await?;
    let mut quick = counters.changes(Since::Now).await?;
    let mut quick_too = counters.changes(Since::Now).await?;
    let mut slow = counters.changes(Since::Now).await?;
    let mut gone = counters.changes(Since::Now).await?;
    counters.put(Counter { id: -1, value: 0 }).await?;
    for changes in [&mut quick, &mut quick_too, &mut slow, &mut gone] {
        assert_eq!(next(changes).await?.key, Some(-1));
    }
    // Polled once, and then no more: it may have begun to read for the others.
    let mut started = Box::pin(gone.try_next());
    let _ = futures::poll!(&mut started);
    for first in (0..COUNT).step_by(100) {
        counters.put_bulk((first..first + 100).map(|id| Counter { id, value: id })).await?;
        for id in first..first + 100 {
            assert_eq!(next(&mut quick).await?.key, Some(id));
            assert_eq!(next(&mut quick_too).await?.key, Some(id));
        }
    }
    drop(started);
    for id in 0..COUNT {
        assert_eq!(next(&mut slow).await?.key, Some(id));
    }
    counters.put(Counter { id: COUNT, value: 0 }).await?;
    for changes in [&mut quick, &mut slow] {
        assert_eq!(next(changes).await?.key, Some(COUNT));
    }
    for id in 0..=COUNT {
        assert_eq!(next(&mut gone).await?.key, Some(id));
    }
    Ok(())
}

/// More at once than is read at once, again and again, by somebody who keeps up.
pub(crate) async fn come_to_those_who_keep_up(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let mut changes = counters.changes(Since::Now).await?;
    for value in 0..4 {
        let rows: Vec<_> = (0..700).map(|id| Counter { id, value }).collect();
        counters.put_bulk(rows.clone()).await?;
        let mut seen = Vec::new();
        for _ in &rows {
            seen.extend(next(&mut changes).await?.new);
        }
        seen.sort_by_key(|row| row.id);
        assert_eq!(seen, rows);
    }
    Ok(())
}

pub(crate) async fn are_in_order_for_each_key(store: &Store) -> Outcome {
    const WRITERS: i64 = 8;
    const WRITES: usize = 40;
    let counters = set_up::<Counter>(store).await?;
    counters.put_bulk((0..3).map(|id| Counter { id, value: 0 })).await?;
    let mut changes = counters.changes(Since::Now).await?;
    let write = async |writer: i64| {
        for number in 0..WRITES {
            let id = (writer + i64::try_from(number).unwrap_or_default()) % 3;
            let patch = CounterPatch { value: increment(1) };
            counters.update(&id, patch).await?;
        }
        Ok::<_, Error>(())
    };
    for written in join_all((0..WRITERS).map(write)).await {
        written?;
    }
    let mut values = BTreeMap::new();
    for _ in 0..WRITERS * i64::try_from(WRITES).unwrap_or_default() {
        let change = next(&mut changes).await?;
        let (Some(old), Some(new)) = (change.old, change.new) else { panic!("an update has both") };
        let before = values.insert(new.id, new.value).unwrap_or_default();
        assert_eq!((old.value, new.value), (before, before + 1));
    }
    let rows = counters.get_all().await?;
    assert_eq!(values, rows.into_iter().map(|row| (row.id, row.value)).collect());
    Ok(())
}

pub(crate) async fn can_be_given_to_a_callback(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let (tell, mut told) = futures::channel::mpsc::unbounded();
    let options = ChangeOptions::new()
        .since(Since::Snapshot)
        .filter(Offer::PRICE.gt(1.0))
        .poll_interval(Duration::from_millis(50));
    let told_of = move |change: Result<Change<Offer>>| drop(tell.unbounded_send(change));
    let subscription = offers.subscribe_to_changes(told_of, options).await?;
    offers.put_bulk([offer("a", 1.0), offer("b", 2.0)]).await?;
    let Some(end) = told.next().await else { panic!("the callback is called") };
    assert_eq!(end?.kind, ChangeKind::SnapshotEnd);
    let Some(insert) = told.next().await else { panic!("the callback is called") };
    assert_eq!(insert?.new.map(|offer| offer.sku).as_deref(), Some("b"));
    assert!(!subscription.is_ended());
    drop(subscription);
    assert!(told.next().await.is_none(), "its end drops the callback");
    Ok(())
}
