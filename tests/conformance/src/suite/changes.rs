//! Following a table: every change, once it is committed, in order, by whomever it was made.

use std::{collections::BTreeMap, time::Duration};

use futures::{
    StreamExt as _,
    future::{Either, join_all, select},
};
use serde_json::json;
use storehouse::{
    Change, ChangeCursor, ChangeKind, ChangeOptions, Changes, PatchField::Set, Since, Table,
    Tabular, increment,
};
use storehouse_runtime::{Error, Result, Row, Store};

use super::tables::{Setting, setting};
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
    id: i64,
    #[table(unique)]
    sku: String,
    price: f64,
    note: Option<String>,
}

pub(super) fn offer(sku: &str, price: f64) -> OfferInsert {
    OfferInsert { sku: sku.into(), price }
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "counters", changes)]
struct Counter {
    #[table(key)]
    id: i64,
    value: i64,
}

/// The next change, which has to come.
async fn next<T: Row>(changes: &mut Changes<T>) -> Result<Change<T>> {
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

/// A column of each type that there is.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "everything", changes)]
struct Everything {
    #[table(key)]
    id: uuid::Uuid,
    truth: bool,
    small: i8,
    large: i64,
    single: f32,
    double: f64,
    text: String,
    bytes: Vec<u8>,
    at: chrono::DateTime<chrono::Utc>,
    local: chrono::NaiveDateTime,
    day: chrono::NaiveDate,
    time: chrono::NaiveTime,
    document: serde_json::Value,
    numbers: Vec<f32>,
    texts: Vec<String>,
    nothing: Option<serde_json::Value>,
}

pub(crate) async fn carry_every_value_to_the_bit(store: &Store) -> Outcome {
    let table = set_up::<Everything>(store).await?;
    let at = chrono::DateTime::from_timestamp_micros(-1).unwrap_or_default();
    let zero = Everything {
        id: uuid::Uuid::from_u128(1),
        truth: true,
        small: i8::MIN,
        large: i64::MAX,
        single: -0.0,
        double: -0.0,
        text: "é'\"\\\n,(){}".into(),
        bytes: vec![0, 255, 92],
        at,
        local: at.naive_utc(),
        day: chrono::NaiveDate::MIN
            .max(chrono::NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default()),
        time: chrono::NaiveTime::MIN,
        document: json!(null),
        numbers: vec![0.1, -0.0],
        texts: vec![String::new(), "a,\"b\"".into()],
        nothing: None,
    };
    let other = Everything {
        truth: false,
        single: f32::MIN_POSITIVE,
        double: 1.0 / 3.0,
        text: String::new(),
        bytes: Vec::new(),
        document: json!({"a": [1, null, 9_007_199_254_740_993_i64, 0.1]}),
        numbers: Vec::new(),
        texts: Vec::new(),
        nothing: Some(json!("x")),
        ..zero.clone()
    };
    let mut changes = table.changes(Since::Now).await?;
    table.put(zero.clone()).await?;
    table.put(other.clone()).await?;
    table.delete(&zero.id).await?;
    let shown = |row: &Option<Everything>| format!("{row:?}");
    let (zero, other) = (shown(&Some(zero)), shown(&Some(other)));
    assert_eq!(shown(&next(&mut changes).await?.new), zero);
    let update = next(&mut changes).await?;
    assert_eq!((shown(&update.old), shown(&update.new)), (zero, other.clone()));
    assert_eq!(shown(&next(&mut changes).await?.old), other);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "places", schema = "warehouse", changes)]
struct Place {
    #[table(key)]
    shelf: String,
    #[table(key)]
    number: i32,
    sku: Option<String>,
}

pub(crate) async fn follow_compound_keys_and_schemas(store: &Store) -> Outcome {
    let places = set_up::<Place>(store).await?;
    let mut changes = places.changes(Since::Now).await?;
    let place = |number, sku: &str| Place { shelf: "it's".into(), number, sku: Some(sku.into()) };
    places.put_bulk([place(1, "a"), place(2, "b")]).await?;
    places.update_where(Place::SHELF.eq("it's"), PlacePatch { sku: Set(None) }).await?;
    let mut keys = BTreeMap::new();
    for _ in 0..4 {
        let change = next(&mut changes).await?;
        let Some(key) = change.key else { panic!("a change has a key") };
        assert_eq!(key.shelf, "it's");
        if let (Some(old), Some(new)) = (&change.old, &change.new) {
            // The old and the new row are of one key.
            assert_eq!((old.number, new.number, &new.sku), (key.number, key.number, &None));
        }
        *keys.entry((key.number, change.kind == ChangeKind::Update)).or_insert(0) += 1;
    }
    let once = [((1, false), 1), ((1, true), 1), ((2, false), 1), ((2, true), 1)];
    assert_eq!(keys, once.into());
    Ok(())
}

pub(crate) async fn need_a_log(store: &Store) -> Outcome {
    // Known by the definition.
    let settings = set_up::<Setting>(store).await?;
    is_refused("#[table(changes)]", settings.changes(Since::Now).await);
    let live = settings.get_all().live().await;
    is_refused("#[table(changes)]", live);
    // Known by the database.
    let offers = store.tabular::<Offer>().await?;
    fails("Schema", offers.changes(Since::Now).await);
    fails("Schema", offers.changes(Since::Snapshot).await);
    Ok(())
}

/// [`Counter`], by somebody who wants no changes.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "counters")]
struct QuietCounter {
    #[table(key)]
    id: i64,
    value: i64,
}

pub(crate) async fn can_be_asked_for_later_and_by_one_program_alone(store: &Store) -> Outcome {
    let quiet = set_up::<QuietCounter>(store).await?;
    quiet.put(QuietCounter { id: 1, value: 1 }).await?;
    let counters = store.tabular::<Counter>().await?;
    fails("Schema", counters.changes(Since::Now).await);
    counters.setup_database().await?;
    let mut changes = counters.changes(Since::Now).await?;
    quiet.put(QuietCounter { id: 1, value: 2 }).await?;
    // Again, and by who does not ask for it.
    counters.setup_database().await?;
    quiet.setup_database().await?;
    quiet.put(QuietCounter { id: 1, value: 3 }).await?;
    for value in [2, 3] {
        let change = next(&mut changes).await?;
        assert_eq!(change.new, Some(Counter { id: 1, value }));
    }
    Ok(())
}

pub(crate) async fn can_be_asked_for_of_a_whole_store(store: &Store) -> Outcome {
    let store = store.clone().with_logged_changes();
    let settings = set_up::<Setting>(&store).await?;
    let mut changes = settings.changes(Since::Now).await?;
    settings.put(setting("a", 1)).await?;
    store.transaction(async |tx| settings.in_tx(tx).put(setting("b", 2)).await).await?;
    for name in ["a", "b"] {
        assert_eq!(next(&mut changes).await?.key.as_deref(), Some(name));
    }
    Ok(())
}

pub(crate) async fn end_when_the_log_is_removed(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let mut changes = counters.changes(Since::Now).await?;
    let cursor = changes.cursor().clone();
    counters.remove_change_log().await?;
    counters.remove_change_log().await?;
    counters.put(Counter { id: 1, value: 1 }).await?;
    fails("Schema", next(&mut changes).await);
    assert!(changes.try_next().await?.is_none(), "after an error comes nothing");
    fails("Schema", counters.changes(Since::Now).await);
    // One that is begun anew is another.
    counters.setup_database().await?;
    let error = fails("Lagged", counters.changes(Since::After(cursor)).await);
    let Error::Lagged { oldest, .. } = error else { unreachable!() };
    let mut changes = counters.changes(Since::After(*oldest)).await?;
    counters.put(Counter { id: 1, value: 2 }).await?;
    assert_eq!(next(&mut changes).await?.kind, ChangeKind::Update);
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
    let subscription = offers.subscribe_to_changes(told_of, options).await;
    if cfg!(target_family = "wasm") {
        fails("Unsupported", subscription);
        return Ok(());
    }
    let subscription = subscription?;
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

pub(crate) async fn keep_a_query_up_to_date(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let cheap = Offer::PRICE.lt(5.0);
    let mut live = offers.query(cheap).order_by(Offer::PRICE.desc()).limit(2).live().await?;
    let skus = |rows: Option<Vec<Offer>>| -> Vec<String> {
        rows.into_iter().flatten().map(|offer| offer.sku).collect()
    };
    assert_eq!(skus(live.try_next().await?), Vec::<String>::new());
    let a = offers.put(offer("a", 1.0)).await?;
    assert_eq!(skus(live.try_next().await?), ["a"]);
    // Not of the result, and no part of it.
    offers.put(offer("dear", 9.0)).await?;
    offers.put(offer("b", 2.0)).await?;
    assert_eq!(skus(live.try_next().await?), ["b", "a"]);
    // Matches, but comes behind the limit: the result is the same, and is not given again.
    offers.put(offer("c", 0.5)).await?;
    offers.update(&a.id, OfferPatch { price: Set(7.0), ..Default::default() }).await?;
    assert_eq!(skus(live.try_next().await?), ["b", "c"]);
    offers.delete_all().await?;
    assert_eq!(skus(live.try_next().await?), Vec::<String>::new());
    offers.destroy();
    assert!(live.try_next().await?.is_none());
    Ok(())
}

pub(crate) async fn of_a_transaction_are_none_of_a_live_query(store: &Store) -> Outcome {
    let offers = set_up::<Offer>(store).await?;
    let tx = store.begin().await?;
    is_refused("outside of the transaction", offers.in_tx(&tx).get_all().live().await);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "folders", changes)]
struct Folder {
    #[table(key)]
    id: i64,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "files", changes)]
struct File {
    #[table(key)]
    id: i64,
    #[table(references(Folder::id, on_delete = "cascade"))]
    folder: i64,
    #[table(references(Folder::id, on_delete = "set null"))]
    backup: Option<i64>,
}

pub(crate) async fn tell_of_rows_that_went_with_others(store: &Store) -> Outcome {
    store.setup_database::<(Folder, File)>().await?;
    let (folders, files) = (store.tabular::<Folder>().await?, store.tabular::<File>().await?);
    folders.put_bulk([Folder { id: 1 }, Folder { id: 2 }]).await?;
    files.put(File { id: 1, folder: 1, backup: Some(2) }).await?;
    let mut changes = files.changes(Since::Now).await?;
    folders.delete(&2).await?;
    store.transaction(async |tx| folders.in_tx(tx).delete(&1).await).await?;
    let update = next(&mut changes).await?;
    assert_eq!(update.kind, ChangeKind::Update);
    assert_eq!(update.new, Some(File { id: 1, folder: 1, backup: None }));
    let delete = next(&mut changes).await?;
    assert_eq!((delete.kind, delete.key), (ChangeKind::Delete, Some(1)));
    Ok(())
}

pub(crate) async fn tell_what_raw_sql_did(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let mut changes = counters.changes(Since::Now).await?;
    store.raw_sql("INSERT INTO counters (id, value) VALUES (1, 1), (2, 2)").execute().await?;
    store.raw_sql("UPDATE counters SET value = value + 1 WHERE id = 1").execute().await?;
    // A row with another key is another row.
    store.raw_sql("UPDATE counters SET id = 3 WHERE id = 2").execute().await?;
    store.raw_sql("DELETE FROM counters WHERE id = 3").execute().await?;
    let mut seen = BTreeMap::new();
    let mut kinds = Vec::new();
    while kinds.last() != Some(&ChangeKind::Delete) || seen.len() > 1 {
        let change = next(&mut changes).await?;
        kinds.push(change.kind);
        let Some(key) = change.key else { panic!("a change has a key") };
        match change.new {
            Some(counter) => seen.insert(key, counter.value),
            None => seen.remove(&key),
        };
    }
    assert_eq!(seen, [(1, 2)].into(), "{kinds:?}");
    Ok(())
}

/// [`Counter`] after a migration.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tallies", rename_from = "counters", changes)]
struct Tally {
    #[table(key)]
    id: i64,
    #[table(rename_from = "value")]
    count: i64,
    #[table(default = "none".to_owned())]
    note: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tallies", changes)]
struct ShortTally {
    #[table(key)]
    id: i64,
    #[table(default = "none".to_owned())]
    note: String,
}

pub(crate) async fn fit_the_columns_after_a_migration(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    counters.put(Counter { id: 1, value: 1 }).await?;
    let cursor = counters.changes(Since::Now).await?.cursor().clone();
    counters.put(Counter { id: 2, value: 2 }).await?;
    drop(cursor);

    let plan = store.migration().table::<Tally>().plan().await?;
    assert!(!plan.is_destructive(), "{plan}");
    plan.apply().await?;
    store.migration().table::<Tally>().verify().await?;
    let tallies = store.tabular::<Tally>().await?;
    let mut changes = tallies.changes(Since::Now).await?;
    let new = TallyInsert { id: 3, count: 3 };
    let stored = tallies.put(new).await?;
    assert_eq!(next(&mut changes).await?.new, Some(stored));
    tallies.update(&1, TallyPatch { note: Set("x".into()), ..Default::default() }).await?;
    let update = next(&mut changes).await?;
    assert_eq!(update.old, Some(Tally { id: 1, count: 1, note: "none".into() }));
    tallies.setup_database().await?;

    // A column goes.
    let cursor = changes.cursor().clone();
    store.migration().table::<ShortTally>().plan().await?.allow_destructive().apply().await?;
    store.migration().table::<ShortTally>().verify().await?;
    let short = store.tabular::<ShortTally>().await?;
    fails("Lagged", short.changes(Since::After(cursor)).await);
    let mut changes = short.changes(Since::Now).await?;
    short.delete(&1).await?;
    let gone = ShortTally { id: 1, note: "x".into() };
    assert_eq!(next(&mut changes).await?.old, Some(gone));
    Ok(())
}

pub(crate) async fn are_begun_by_a_migration(store: &Store) -> Outcome {
    set_up::<QuietCounter>(store).await?;
    fails("Schema", store.migration().table::<Counter>().verify().await);
    let plan = store.migration().table::<Counter>().plan().await?;
    assert_eq!(plan.steps().len(), 1, "{plan}");
    plan.apply().await?;
    store.migration().table::<Counter>().verify().await?;
    let counters: Tabular<Counter> = store.tabular().await?;
    let mut changes = counters.changes(Since::Now).await?;
    counters.put(Counter { id: 1, value: 1 }).await?;
    assert_eq!(next(&mut changes).await?.kind, ChangeKind::Insert);
    // A table that is new has its log at once.
    store.migration().table::<Offer>().plan().await?.apply().await?;
    let offers = store.tabular::<Offer>().await?;
    let mut changes = offers.changes(Since::Now).await?;
    offers.put(offer("a", 1.0)).await?;
    assert_eq!(short(&mut changes, 1).await?, ["Insert -> a=1"]);
    store.migration().table::<Offer>().table::<Counter>().verify().await?;
    Ok(())
}
