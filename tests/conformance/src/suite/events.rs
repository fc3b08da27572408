//! Events: what was done through a handle, told after it is done and not before.

use std::{
    fmt::Debug,
    panic::panic_any,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::{FutureExt as _, StreamExt as _};
use storehouse::{EventKind, Subscription, Table, Tabular, TabularEvent, prelude::Set};
use storehouse_runtime::{Error, Store};

use super::tables::{Product, Setting, SettingPatch, product, product_with_id, setting};
use crate::{
    behaviour::Outcome,
    expect::{fails, set_up},
};

const KINDS: [EventKind; 5] =
    [EventKind::Put, EventKind::Get, EventKind::Query, EventKind::Delete, EventKind::ClearAll];

/// Notes what happens on a handle, in words.
struct Notes {
    written: Arc<Mutex<Vec<String>>>,
    #[expect(dead_code, reason = "dropping it ends the subscriptions")]
    subscriptions: Vec<Subscription>,
}

impl Notes {
    fn of<T: Table + Debug>(table: &Tabular<T>) -> Self
    where
        T::Key: Debug,
    {
        let written = Arc::<Mutex<Vec<String>>>::default();
        let events = table.events();
        let subscriptions = KINDS
            .into_iter()
            .map(|kind| {
                let written = Arc::clone(&written);
                events.on(kind, move |event| {
                    let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                    written.push(in_words(event));
                })
            })
            .collect();
        Self { written, subscriptions }
    }

    /// What was noted since the last call.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn in_words<T: Table + Debug>(event: &TabularEvent<T>) -> String
where
    T::Key: Debug,
{
    match event {
        TabularEvent::Put { row } => format!("put {row:?}"),
        TabularEvent::Get { key, row } => format!("get {key:?} {row:?}"),
        TabularEvent::Query { rows, .. } => format!("query {rows}"),
        TabularEvent::Delete { key } => format!("delete {key:?}"),
        TabularEvent::UpdateWhere { rows, .. } => format!("update where {rows}"),
        TabularEvent::DeleteSearch { rows, .. } => format!("delete search {rows}"),
        TabularEvent::ClearAll => "clear all".to_owned(),
        other => format!("{other:?}"),
    }
}

fn put(name: &str, value: i64) -> String {
    format!("put {:?}", setting(name, value))
}

/// W-T21.
pub(crate) async fn tell_of_every_operation(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let notes = Notes::of(&settings);
    settings.put(setting("a", 1)).await?;
    assert_eq!(notes.take(), [put("a", 1)]);
    settings.insert(setting("b", 2)).await?;
    settings.insert_if_absent(setting("c", 3)).await?;
    assert_eq!(notes.take(), [put("b", 2), put("c", 3)]);
    settings.update("a", SettingPatch { value: Set(10) }).await?;
    assert_eq!(notes.take(), [put("a", 10)]);
    settings.put_bulk([setting("d", 4), setting("e", 5)]).await?;
    assert_eq!(notes.take(), [put("d", 4), put("e", 5)]);
    settings.get("a").await?;
    settings.get("x").await?;
    let found = format!("get \"a\" {:?}", Some(setting("a", 10)));
    assert_eq!(notes.take(), [found, "get \"x\" None".to_owned()]);
    settings.query(Setting::VALUE.lt(4)).await?;
    settings.get_all().await?;
    assert_eq!(notes.take(), ["query 2", "query 5"]);
    settings.delete("a").await?;
    settings.delete_search(Setting::VALUE.lt(4)).await?;
    settings.delete_all().await?;
    assert_eq!(notes.take(), ["delete \"a\"", "delete search 2", "clear all"]);
    Ok(())
}

pub(crate) async fn carry_what_was_generated(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let notes = Notes::of(&products);
    let saved = products.put(product("A1", "tools", 9.5)).await?;
    assert_eq!(notes.take(), [format!("put {saved:?}")]);
    Ok(())
}

pub(crate) async fn say_nothing_of_what_did_not_happen(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product_with_id(1, "A1")).await?;
    let notes = Notes::of(&products);
    fails("Conflict", products.put(product_with_id(2, "A1")).await);
    fails("Conflict", products.insert(product_with_id(1, "A2")).await);
    let bulk = [product_with_id(3, "A3"), product_with_id(4, "A1")];
    fails("Conflict", products.put_bulk(bulk).await);
    assert_eq!(products.insert_if_absent(product_with_id(1, "A2")).await?, None);
    assert!(!products.delete(&99).await?);
    assert_eq!(products.update(&99, super::tables::ProductPatch::default()).await?, None);
    let nothing: [String; 0] = [];
    assert_eq!(notes.take(), nothing);
    Ok(())
}

pub(crate) async fn of_a_kind_reach_only_its_listeners(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let counts: Vec<Arc<AtomicUsize>> = KINDS.iter().map(|_| Arc::default()).collect();
    let mut subscriptions = Vec::new();
    for (kind, count) in KINDS.into_iter().zip(&counts) {
        let count = Arc::clone(count);
        subscriptions.push(settings.events().on(kind, move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        }));
    }
    settings.put(setting("a", 1)).await?;
    settings.put(setting("b", 1)).await?;
    settings.put(setting("c", 1)).await?;
    settings.get("a").await?;
    settings.get("b").await?;
    settings.get_all().await?;
    settings.delete("a").await?;
    settings.delete_search(Setting::NAME.eq("b")).await?;
    settings.delete_all().await?;
    let seen: Vec<usize> = counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert_eq!(seen, [3, 2, 1, 2, 1]);
    Ok(())
}

pub(crate) async fn are_shared_by_the_clones_of_a_handle(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let notes = Notes::of(&settings.clone());
    settings.put(setting("a", 1)).await?;
    settings.clone().put(setting("b", 2)).await?;
    assert_eq!(notes.take(), [put("a", 1), put("b", 2)]);
    Ok(())
}

pub(crate) async fn end_with_their_subscription(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let staying = Notes::of(&settings);
    let leaving = Notes::of(&settings);
    settings.put(setting("a", 1)).await?;
    assert_eq!(leaving.take(), [put("a", 1)]);
    let written = Arc::clone(&leaving.written);
    drop(leaving);
    settings.put(setting("b", 2)).await?;
    assert!(written.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
    assert_eq!(staying.take(), [put("a", 1), put("b", 2)]);
    Ok(())
}

pub(crate) async fn once_come_once(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let count = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&count);
    let _subscription = settings.events().once(EventKind::Put, move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    settings.get("a").await?;
    assert_eq!(count.load(Ordering::Relaxed), 0);
    settings.put_bulk([setting("a", 1), setting("b", 2)]).await?;
    settings.put(setting("c", 3)).await?;
    assert_eq!(count.load(Ordering::Relaxed), 1);
    Ok(())
}

pub(crate) async fn can_be_waited_for(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    // It listens from the call on, not from the first poll.
    let deleted = settings.events().wait_on(EventKind::Delete);
    let mut next = settings.events().wait_on(EventKind::Put);
    assert!((&mut next).now_or_never().is_none());
    settings.put(setting("a", 1)).await?;
    settings.put(setting("b", 2)).await?;
    settings.delete("a").await?;
    assert_eq!(in_words(&next.await?), put("a", 1));
    assert_eq!(in_words(&deleted.await?), "delete \"a\"");
    Ok(())
}

pub(crate) async fn come_as_a_stream(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("before", 0)).await?;
    let mut events = settings.events().stream();
    settings.put(setting("a", 1)).await?;
    settings.get_all().await?;
    settings.delete("a").await?;
    let mut words = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        words.push(in_words(&event));
    }
    assert_eq!(words, [put("a", 1), "query 2".to_owned(), "delete \"a\"".to_owned()]);
    drop(events);
    settings.put(setting("b", 2)).await?;
    Ok(())
}

pub(crate) async fn end_when_the_handle_is_destroyed(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let mut events = settings.events().stream();
    let next = settings.events().wait_on(EventKind::Put);
    settings.put(setting("a", 1)).await?;
    let never = settings.events().wait_on(EventKind::Put);
    settings.destroy();
    assert!(next.await.is_ok(), "it happened before the end");
    fails("Closed", never.await);
    assert!(events.next().await.is_some());
    assert!(events.next().await.is_none());
    // Whoever subscribes afterwards learns at once that nothing will come.
    fails("Closed", settings.events().wait_on(EventKind::Put).await);
    Ok(())
}

/// W-T21: a listener that panics is cut off; neither the operation nor other listeners notice.
pub(crate) async fn survive_a_listener_that_panics(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let first = Notes::of(&settings);
    // `panic_any` and not a message, so that the test's output stays quiet about it.
    let _panicking = settings.events().on(EventKind::Put, |_| panic_any(()));
    let last = Notes::of(&settings);
    assert_eq!(settings.put(setting("a", 1)).await?, setting("a", 1));
    assert_eq!(settings.put(setting("b", 2)).await?, setting("b", 2));
    assert_eq!(first.take(), [put("a", 1), put("b", 2)]);
    assert_eq!(last.take(), [put("a", 1), put("b", 2)]);
    Ok(())
}

pub(crate) async fn let_a_listener_use_the_handle(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let inner = Arc::<Mutex<Vec<Subscription>>>::default();
    let count = Arc::<AtomicUsize>::default();
    let (kept, counted, clone) = (Arc::clone(&inner), Arc::clone(&count), settings.clone());
    let subscription = settings.events().on(EventKind::Put, move |_| {
        let counted = Arc::clone(&counted);
        let more = clone.events().on(EventKind::Put, move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(more);
    });
    settings.put(setting("a", 1)).await?;
    assert_eq!(count.load(Ordering::Relaxed), 0);
    drop(subscription);
    settings.put(setting("b", 2)).await?;
    assert_eq!(count.load(Ordering::Relaxed), 1);
    inner.lock().unwrap_or_else(PoisonError::into_inner).clear();
    settings.put(setting("c", 3)).await?;
    assert_eq!(count.load(Ordering::Relaxed), 1);
    Ok(())
}

pub(crate) async fn wait_for_the_commit(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let notes = Notes::of(&settings);
    let nothing: [String; 0] = [];
    store
        .transaction(async |tx| {
            let inside = settings.in_tx(tx);
            inside.put(setting("a", 1)).await?;
            inside.delete("a").await?;
            inside.put_bulk([setting("b", 2), setting("c", 3)]).await?;
            assert_eq!(notes.take(), nothing, "before the commit");
            Ok(())
        })
        .await?;
    let expected = [put("a", 1), "delete \"a\"".to_owned(), put("b", 2), put("c", 3)];
    assert_eq!(notes.take(), expected);
    Ok(())
}

pub(crate) async fn of_what_was_rolled_back_never_come(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let notes = Notes::of(&settings);
    let nothing: [String; 0] = [];
    let failed = store
        .transaction(async |tx| -> Result<(), Error> {
            settings.in_tx(tx).put(setting("a", 1)).await?;
            Err(Error::application("no"))
        })
        .await;
    fails("Application", failed);
    let dropped = store.begin().await?;
    settings.in_tx(&dropped).put(setting("a", 1)).await?;
    drop(dropped);
    let rolled_back = store.begin().await?;
    settings.in_tx(&rolled_back).delete_all().await?;
    rolled_back.rollback().await?;
    assert_eq!(notes.take(), nothing);
    Ok(())
}

pub(crate) async fn of_an_undone_savepoint_never_come(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let notes = Notes::of(&settings);
    store
        .transaction(async |tx| {
            settings.in_tx(tx).put(setting("a", 1)).await?;
            tx.savepoint(async |tx| settings.in_tx(tx).put(setting("b", 2)).await).await?;
            let undone = tx
                .savepoint(async |tx| -> Result<(), Error> {
                    settings.in_tx(tx).put(setting("c", 3)).await?;
                    Err(Error::application("no"))
                })
                .await;
            fails("Application", undone);
            // Through the transaction around it, which the body can reach too.
            let undone = tx
                .savepoint(async |_| -> Result<(), Error> {
                    settings.in_tx(tx).put(setting("e", 5)).await?;
                    Err(Error::application("no"))
                })
                .await;
            fails("Application", undone);
            settings.in_tx(tx).put(setting("d", 4)).await
        })
        .await?;
    assert_eq!(notes.take(), [put("a", 1), put("b", 2), put("d", 4)]);
    Ok(())
}
