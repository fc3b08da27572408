//! Databases with a name, between two tabs of a browser: pages of their own, which share nothing but what
//! the browser offers.

use std::collections::BTreeSet;

use futures::{future::join, join};
use storehouse::{Error, Store, kv::KvChangeKind, prelude::*};
use uuid::Uuid;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::other_tab::{OtherTab, Ticket, open, take_seats, ticket, tickets, visits};

/// A name that no other test has, nor another run.
fn name(of: &str) -> String {
    format!("{of}.{}", Uuid::new_v4())
}

/// What was committed by anybody before this is called.
async fn latest(store: &Store) -> Vec<String> {
    let tickets = tickets(store).await;
    let read = async |tx: &storehouse::Transaction| tickets.in_tx(tx).get_all().await;
    let found = store.transaction(read).await.expect("it is read");
    found.into_iter().map(|ticket| ticket.seat).collect()
}

#[wasm_bindgen_test]
async fn both_count_and_no_increment_is_lost() {
    let database = name("counting");
    let store = open(&database).await;
    let visits = visits(&store).await;
    let other = OtherTab::with(&database).await;
    let own = async {
        for _ in 0..500 {
            visits.increment("home", 1).await.expect("it is incremented");
        }
    };
    let ((), answer) = join!(own, other.ask("increment 500"));
    assert_eq!(answer, "");
    assert_eq!(visits.increment("home", 0).await.expect("it is read"), 1_000);
    assert_eq!(other.ask("increment 1").await, "");
    assert_eq!(other.ask("visits").await, "Some(1001)");
}

#[wasm_bindgen_test]
async fn who_joins_while_another_writes_misses_nothing() {
    let database = name("joining");
    let store = open(&database).await;
    let tickets = tickets(&store).await;
    let other = async {
        let other = OtherTab::with(&database).await;
        let taken = other.ask("take 150").await;
        (other, serde_json::from_str::<(Vec<i64>, usize)>(&taken).expect("they are numbers"))
    };
    let ((own, own_taken), (other, (others, others_taken))) =
        join(take_seats(&tickets, "own ", 300), other).await;
    let ids: BTreeSet<i64> = own.iter().chain(&others).copied().collect();
    // No key was given twice, and of the 300 seats that both wanted, or one alone, one each was stored.
    assert_eq!(ids.len(), own.len() + others.len());
    assert_eq!(own_taken + others_taken, 150);
    assert_eq!(ids.len(), 300 + 150 + 300);
    let seats = latest(&store).await;
    assert_eq!(seats.len(), ids.len());
    assert_eq!(other.ask("insert last").await, "");
    assert_eq!(other.ask("seats").await, format!("{},last", seats.join(",")));
}

#[wasm_bindgen_test]
async fn a_transaction_keeps_the_other_out_and_rolls_back_whole() {
    let database = name("excluding");
    let store = open(&database).await;
    let own = tickets(&store).await;
    let other = OtherTab::with(&database).await;
    assert_eq!(other.ask("begin 1A").await, "");
    // Nothing of it is seen, and nobody writes beside it, however long they wait.
    assert_eq!(own.size().await.expect("it is read"), 0);
    let busy = own.insert(ticket("1A")).await;
    assert!(matches!(busy, Err(Error::Busy { .. })), "{busy:?}");
    assert_eq!(other.ask("rollback").await, "");
    own.insert(ticket("1A")).await.expect("it was rolled back");
    assert_eq!(latest(&store).await, ["1A"]);

    assert_eq!(other.ask("begin 1B").await, "");
    let waiting = own.insert(ticket("1B"));
    let (waited, answer) = join!(waiting, other.ask("commit"));
    assert_eq!(answer, "");
    assert!(matches!(waited, Err(Error::Conflict { .. })), "{waited:?}");
    assert_eq!(latest(&store).await, ["1A", "1B"]);

    // The other way round.
    let inside = store.begin().await.expect("it begins");
    own.in_tx(&inside).insert(ticket("1C")).await.expect("it is free");
    other.tell("insert 1C");
    inside.commit().await.expect("it is committed");
    assert_eq!(other.answer().await, "conflict");
}

#[wasm_bindgen_test]
async fn a_tab_that_closes_in_a_transaction_leaves_nothing_of_it() {
    let database = name("closing");
    let store = open(&database).await;
    let own = tickets(&store).await;
    let other = OtherTab::with(&database).await;
    assert_eq!(other.ask("insert 1A").await, "");
    assert_eq!(other.ask("begin 1B").await, "");
    drop(other);
    own.insert(ticket("1B")).await.expect("the lock is free and the seat too");
    assert_eq!(latest(&store).await, ["1A", "1B"]);

    // What a tab was told is done is done, though it closes at once.
    for number in 0..10 {
        let other = OtherTab::with(&database).await;
        let seat = format!("2{number}");
        assert_eq!(other.ask(&format!("insert {seat}")).await, "");
        drop(other);
        assert!(latest(&store).await.contains(&seat), "{seat}");
    }
}

#[wasm_bindgen_test]
async fn changes_of_the_other_tab_come_once() {
    let database = name("following");
    let store = open(&database).await;
    let own = tickets(&store).await;
    let other = OtherTab::with(&database).await;
    let mut changes = own.changes(Since::Now).await.expect("it is logged");
    assert_eq!(other.ask("insert 1A").await, "");
    own.insert(ticket("1B")).await.expect("it is free");
    assert_eq!(other.ask("delete 1A").await, "");
    assert_eq!(other.ask("begin 1A").await, "");
    assert_eq!(other.ask("commit").await, "");
    let seat = |ticket: Option<Ticket>| ticket.map(|ticket| ticket.seat);
    let (none, some) = (None::<String>, |seat: &str| Some(seat.to_owned()));
    for (old, new) in [
        (none.clone(), some("1A")),
        (none.clone(), some("1B")),
        (some("1A"), none.clone()),
        (none.clone(), some("1A")),
    ] {
        let change = changes.try_next().await.expect("it goes on").expect("it has no end");
        assert_eq!((seat(change.old), seat(change.new)), (old, new));
    }

    let logged = store.kv_logged::<String, i64>("visits").await.expect("it opens");
    logged.setup_database().await.expect("it is set up");
    let mut changes = logged.changes(Since::Now).await.expect("it is logged");
    assert_eq!(other.ask("increment 3").await, "");
    for number in 1..=3 {
        let change = changes.try_next().await.expect("it goes on").expect("it has no end");
        assert_eq!((change.kind, change.new), (KvChangeKind::Put, Some(number)));
    }
}

#[wasm_bindgen_test]
async fn a_table_that_is_opened_late_is_there_and_another_is_refused() {
    let database = name("late");
    let store = open(&database).await;
    let own = tickets(&store).await;
    own.insert(ticket("1A")).await.expect("it is free");
    let other = OtherTab::with(&database).await;
    own.insert(ticket("1B")).await.expect("it is free");
    assert_eq!(other.ask("otherwise").await, "schema");
    // It wrote, or would have, and so has everything.
    assert_eq!(other.ask("increment 1").await, "");
    assert_eq!(other.ask("seats").await, "1A,1B");
    assert_eq!(other.ask("insert 1B").await, "conflict");
}

/// What one tab writes the other reads soon, without asking for it.
#[wasm_bindgen_test]
async fn what_one_writes_the_other_sees() {
    let database = name("seeing");
    let store = open(&database).await;
    let own = tickets(&store).await;
    let other = OtherTab::with(&database).await;
    own.insert(ticket("1A")).await.expect("it is free");
    while other.ask("seats").await != "1A" {}
    assert_eq!(other.ask("insert 1B").await, "");
    while own.size().await.expect("it is read") < 2 {
        futures_timer::Delay::new(std::time::Duration::from_millis(1)).await;
    }
}

/// Each behaviour again, with every write followed by another tab.
mod by_name {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static FOLLOWER: RefCell<Option<OtherTab>> = const { RefCell::new(None) };
    }

    async fn open_followed(database: &str) -> Store {
        let follower = FOLLOWER.take();
        let follower = match follower {
            Some(follower) => follower,
            None => OtherTab::open().await,
        };
        let store = open(database).await;
        assert_eq!(follower.ask(&format!("open {database}")).await, "");
        FOLLOWER.set(Some(follower));
        store
    }

    storehouse_conformance::conformance_tests!(
        {
            let own = name("conformance");
            async move |database: &str| open_followed(&format!("{own}.{database}")).await
        },
        lacks: [persistent, multi_process, sql]
    );
}
