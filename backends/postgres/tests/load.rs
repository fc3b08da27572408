//! Many tasks, many threads and several runtimes on one backend, and callers that go away.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
    thread,
    time::Duration,
};

use futures::future::{join, join_all, poll_immediate};
use storehouse::Tabular;
use support::*;
use tokio::runtime::{Builder, Runtime};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_task_reads_what_it_wrote() {
    let (_database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    at_once((0..32).map(|task| read_what_is_written(items.clone(), task))).await;
    assert_eq!(items.size().await.unwrap(), 32 * 30);
}

async fn read_what_is_written(items: Tabular<Item>, task: i64) {
    for step in 0..30 {
        let first = item(task * 100 + step);
        assert_eq!(items.put(first.clone()).await.unwrap(), first);
        assert_eq!(items.get(&first.id).await.unwrap().as_ref(), Some(&first));
        let second = Item { amount: -step, ..first };
        items.put(second.clone()).await.unwrap();
        let found = items.get_many(&[second.id, -1]).await.unwrap();
        assert_eq!(found, [Some(second.clone()), None]);
        assert_eq!(items.query(Item::ID.eq(second.id)).await.unwrap(), [second]);
    }
}

#[tokio::test]
async fn few_connections_serve_very_many() {
    let (_database, opened) = open(|options| options.max_connections(2)).await;
    let items = opened.table::<Item>().await;
    items.put_bulk((0..100).map(item)).await.unwrap();
    let found = get_at_once(&items, (0..10_000).map(|number| number % 200)).await;
    for (number, found) in (0..10_000).zip(found) {
        let id = number % 200;
        assert_eq!(found.unwrap(), (id < 100).then(|| item(id)));
    }
    let stored = put_at_once(&items, (0..10_000).map(item)).await;
    assert!(stored.into_iter().all(|stored| stored.is_ok()));
    assert_eq!(items.size().await.unwrap(), 10_000);
    assert!(opened.statistics().connections <= 2);
}

/// A stream of requests that never ends does not keep one that comes later from its turn.
#[tokio::test]
async fn a_stream_of_requests_starves_nobody() {
    let (_database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    items.put_bulk((0..100).map(item)).await.unwrap();
    let is_over = AtomicBool::new(false);
    let crowd = join_all((0..200).map(async |number| {
        let own = item(number % 100);
        while !is_over.load(Ordering::Relaxed) {
            items.get(&own.id).await.unwrap();
            items.put(own.clone()).await.unwrap();
        }
    }));
    let late = async {
        for id in 0..50 {
            assert_eq!(items.get(&id).await.unwrap(), Some(item(id)));
            items.put(item(id)).await.unwrap();
            // More keys than go together.
            let keys: Vec<i64> = (0..2_000).collect();
            let many = items.get_many(&keys).await.unwrap();
            assert_eq!(many.iter().flatten().count(), 100);
        }
        is_over.store(true, Ordering::Relaxed);
    };
    in_time(join(crowd, late)).await;
}

/// Drives a future for so many turns, and then drops it.
async fn leave_after<F: Future>(mut turns: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    poll_fn(move |context| {
        if turns == 0 {
            return Poll::Ready(None);
        }
        turns -= 1;
        context.waker().wake_by_ref();
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// At whatever point it leaves, also the one who goes at once while the others wait for it.
#[tokio::test]
async fn a_caller_that_leaves_takes_nobody_along() {
    let (_database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    // The first leaves, another, or all but one.
    let choices: [fn(i64) -> bool; 3] = [|id| id == 0, |id| id == 3, |id| id != 5];
    let mut rounds = 0;
    for turns in (0..20).chain((20..400).step_by(20)) {
        for leaves in choices {
            rounds += 1;
            let row = |id| Item { amount: rounds, ..item(id) };
            let puts = join_all((0..8).map(async |id| {
                let put = items.put(row(id));
                if leaves(id) { leave_after(turns, put).await } else { Some(put.await) }
            }));
            for (id, stored) in (0..8).zip(in_time(puts).await) {
                match stored {
                    Some(stored) => assert_eq!(stored.unwrap(), row(id)),
                    None => assert!(leaves(id)),
                }
            }
            let gets = join_all((0..8).map(async |id| {
                let get = async { items.get(&id).await };
                if leaves(id) { leave_after(turns, get).await } else { Some(get.await) }
            }));
            for (id, found) in (0..8).zip(in_time(gets).await) {
                let Some(found) = found else { continue };
                // What somebody left may be done or not.
                assert!(leaves(id) || found.unwrap() == Some(row(id)));
            }
        }
    }
}

/// The server is still at what somebody left when the next one comes, alone or with others.
#[tokio::test]
async fn what_somebody_left_is_not_done_after_what_came_later() {
    const SLOW: i64 = -1;
    let (database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    log_changes(&database).await;
    database
        .run(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM pg_sleep(0.4);
                 RETURN NEW;
             END $$;
             CREATE TRIGGER wait BEFORE INSERT OR UPDATE ON item FOR EACH ROW
                 WHEN (NEW.amount = -1) EXECUTE FUNCTION wait();",
        )
        .await;
    for crowd in [1, 3] {
        let slow = |id| Item { amount: SLOW, ..item(id) };
        // The first goes alone, and the others together.
        let left = join_all((0..crowd).map(|id| items.put(slow(id))));
        assert!(tokio::time::timeout(Duration::from_millis(200), left).await.is_err());
        let last = crowd - 1;
        in_time(items.put(item(last))).await.unwrap();
        assert_eq!(logged(&database, last).await, [SLOW, item(last).amount]);
        database.run("TRUNCATE changes").await;
    }
}

#[tokio::test]
async fn whoever_leaves_before_the_turn_gets_nothing_done() {
    let (database, opened) = open(|options| options.lock_timeout(PATIENCE)).await;
    let items = opened.table::<Item>().await;
    // The first waits for a row that is not committed, and the others for the first.
    let other = Other::hold(&database, "INSERT INTO item VALUES (0, 'other', 0)").await;
    let mut puts: Vec<_> = (0..8).map(|id| items.put(item(id))).collect();
    for put in &mut puts {
        assert!(poll_immediate(put).await.is_none());
    }
    drop(puts.drain(1..7));
    drop(other);
    for stored in in_time(join_all(puts)).await {
        stored.unwrap();
    }
    assert_eq!(items.get_all().await.unwrap(), [item(0), item(7)]);
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn several_runtimes_share_a_backend() {
    let (_database, opened) = runtime().block_on(open(|options| options.max_connections(4)));
    let items = runtime().block_on(opened.table::<Item>());
    thread::scope(|scope| {
        for task in 0..4 {
            let items = items.clone();
            scope.spawn(move || {
                let both = join(
                    read_what_is_written(items.clone(), task),
                    read_what_is_written(items, task + 10),
                );
                runtime().block_on(in_time(both))
            });
        }
    });
    // Those runtimes have ended, and their connections with them.
    let size = runtime().block_on(async { in_time(items.size()).await });
    assert_eq!(size.unwrap(), 8 * 30);
}

#[test]
fn a_runtime_that_ends_harms_no_other() {
    let (_database, opened) = runtime().block_on(open(|options| options.max_connections(4)));
    let staying = runtime();
    let items = staying.block_on(opened.table::<Item>());
    for round in 0..20 {
        let ending = runtime();
        for id in 0..20 {
            let items = items.clone();
            ending.spawn(async move {
                loop {
                    items.put(item(1_000 + id)).await.unwrap();
                    items.get(&id).await.unwrap();
                }
            });
        }
        for _ in 0..round {
            ending.block_on(tokio::task::yield_now());
        }
        drop(ending);
        staying.block_on(in_time(async {
            items.put(item(round)).await.unwrap();
            assert_eq!(items.get(&round).await.unwrap(), Some(item(round)));
        }));
    }
}
