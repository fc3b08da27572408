//! Transactions side by side: isolation, row locks, and those that are shared with sqlx.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use sqlx::PgPool;
use storehouse::{Error, EventKind, RowLock, prelude::Set};
use storehouse_postgres::{Isolation, PostgresTransaction};
use support::*;

async fn count(database: &storehouse_test_postgres::Database, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut database.connect().await).await.unwrap()
}

#[tokio::test]
async fn what_sqlx_began_is_committed_by_the_store() {
    let (database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    database.run("CREATE TABLE audit (what text)").await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    let events = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let heard = Arc::clone(&events);
    let _subscription = items.events().on(EventKind::Put, move |_| {
        heard.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });

    let mut begun = pool.begin().await.unwrap();
    sqlx::query("INSERT INTO audit VALUES ('before')").execute(&mut *begun).await.unwrap();
    let joined = PostgresTransaction::from_sqlx(&opened.backend, begun);
    let tx = opened.store.transaction_from_backend(Arc::new(joined));
    items.in_tx(&tx).put(item(1)).await.unwrap();
    // A failed write does not end it.
    let twin = Item { id: 2, ..item(1) };
    assert!(matches!(items.in_tx(&tx).put(twin).await, Err(Error::Conflict { .. })));
    let joined = tx.backend_as::<PostgresTransaction>().unwrap();
    let mut connection = joined.connection().await.unwrap();
    sqlx::query("INSERT INTO audit VALUES ('after')").execute(&mut *connection).await.unwrap();
    drop(connection);
    assert_eq!(items.get(&1).await.unwrap(), None);
    assert_eq!(events.load(std::sync::atomic::Ordering::Relaxed), 0);
    tx.commit().await.unwrap();
    assert_eq!(events.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert_eq!(items.get_all().await.unwrap(), [item(1)]);
    assert_eq!(count(&database, "SELECT count(*) FROM audit").await, 2);
}

#[tokio::test]
async fn what_sqlx_began_can_be_given_back_to_it() {
    let (database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    for (id, commits) in [(1, true), (2, false)] {
        let begun = pool.begin().await.unwrap();
        let joined = Arc::new(PostgresTransaction::from_sqlx(&opened.backend, begun));
        let tx = opened.store.transaction_from_backend(Arc::clone(&joined) as _);
        items.in_tx(&tx).put(item(id)).await.unwrap();
        let given_back = joined.take_sqlx().await.unwrap();
        let late = items.in_tx(&tx).put(item(id + 10)).await;
        assert!(matches!(late, Err(Error::Closed { .. })), "{late:?}");
        if commits {
            given_back.commit().await.unwrap();
        } else {
            given_back.rollback().await.unwrap();
        }
    }
    assert_eq!(items.get_all().await.unwrap(), [item(1)]);

    let ours = opened.store.begin().await.unwrap();
    let refused = ours.backend_as::<PostgresTransaction>().unwrap().take_sqlx().await;
    assert!(matches!(refused, Err(Error::Validation { .. })));
    // It is as it was.
    items.in_tx(&ours).put(item(3)).await.unwrap();
    ours.commit().await.unwrap();
    assert_eq!(items.size().await.unwrap(), 2);
}

#[tokio::test]
async fn what_sqlx_began_is_rolled_back_when_it_is_dropped() {
    let (database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    let joined = PostgresTransaction::from_sqlx(&opened.backend, pool.begin().await.unwrap());
    let tx = opened.store.transaction_from_backend(Arc::new(joined));
    items.in_tx(&tx).put(item(1)).await.unwrap();
    drop(tx);
    // The row was locked until then, so this waits for the rollback.
    items.put(Item { amount: 7, ..item(1) }).await.unwrap();
    assert_eq!(items.get(&1).await.unwrap().unwrap().amount, 7);
}

/// PostgreSQL would answer the commit with a rollback, and report no error.
#[tokio::test]
async fn a_statement_of_the_programs_own_that_failed_makes_the_commit_fail() {
    let (_database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    let tx = opened.store.begin().await.unwrap();
    items.in_tx(&tx).put(item(1)).await.unwrap();
    let postgres = tx.backend_as::<PostgresTransaction>().unwrap();
    let mut connection = postgres.connection().await.unwrap();
    sqlx::query("SELECT 1 / 0").execute(&mut *connection).await.unwrap_err();
    drop(connection);
    let error = items.in_tx(&tx).get(&1).await.unwrap_err();
    assert!(error.to_string().contains("roll it back"), "{error}");
    let error = tx.commit().await.unwrap_err();
    assert!(error.to_string().contains("roll it back"), "{error}");
    assert_eq!(items.size().await.unwrap(), 0);
}

#[tokio::test]
async fn locked_rows_are_skipped_waited_for_or_refused() {
    let lock_timeout = std::time::Duration::from_millis(200);
    let (_database, opened) = open(|options| options.lock_timeout(lock_timeout)).await;
    let items = opened.table::<Item>().await;
    items.put_bulk((1..=3).map(item)).await.unwrap();

    let holder = opened.store.begin().await.unwrap();
    let inside = items.in_tx(&holder);
    let first = inside.query(Item::ID.eq(1)).lock(RowLock::for_update());
    assert_eq!(first.await.unwrap(), [item(1)]);

    let other = opened.store.begin().await.unwrap();
    let skipping = RowLock::for_update().skip_locked();
    assert_eq!(items.in_tx(&other).get_all().lock(skipping).await.unwrap(), [item(2), item(3)]);
    other.rollback().await.unwrap();
    for lock in [
        RowLock::for_update(),
        RowLock::for_update().no_wait(),
        RowLock::for_share(),
        RowLock::for_share().no_wait(),
    ] {
        let other = opened.store.begin().await.unwrap();
        let refused = items.in_tx(&other).get_all().lock(lock).await;
        assert!(matches!(refused, Err(Error::Busy { .. })), "{lock:?}: {refused:?}");
        other.rollback().await.unwrap();
    }
    holder.commit().await.unwrap();

    // Those who only want that nothing changes do not come in each other's way.
    let (one, other) = (opened.store.begin().await.unwrap(), opened.store.begin().await.unwrap());
    for tx in [&one, &other] {
        let shared = RowLock::for_share().no_wait();
        assert_eq!(items.in_tx(tx).get_all().lock(shared).await.unwrap().len(), 3);
    }
    one.commit().await.unwrap();
    other.commit().await.unwrap();
}

/// With a lock, what is read is what is there, also where transactions see what others commit.
#[tokio::test]
async fn a_lock_loses_no_update_where_isolation_would() {
    let (_database, opened) = open(|options| options.isolation(Isolation::ReadCommitted)).await;
    let items = opened.table::<Item>().await;
    items.put(Item { amount: 0, ..item(1) }).await.unwrap();
    let add = |_| {
        let (store, items) = (opened.store.clone(), items.clone());
        async move {
            store
                .transaction(async |tx| {
                    let inside = items.in_tx(tx);
                    let row = inside.query(Item::ID.eq(1)).lock(RowLock::for_update());
                    let amount = row.first().await?.map_or(0, |row| row.amount) + 1;
                    inside.update(&1, ItemPatch { amount: Set(amount), ..Default::default() }).await
                })
                .await
        }
    };
    for added in at_once((0..20).map(add)).await {
        added.unwrap();
    }
    assert_eq!(items.get(&1).await.unwrap().unwrap().amount, 20);
}

#[tokio::test]
async fn a_transaction_can_have_an_isolation_of_its_own() {
    let (_database, opened) = open(|options| options).await;
    for (isolation, told) in [
        (Isolation::Serializable, "serializable"),
        (Isolation::RepeatableRead, "repeatable read"),
        (Isolation::ReadCommitted, "read committed"),
    ] {
        let begun = PostgresTransaction::begin(&opened.backend, isolation).await.unwrap();
        let tx = opened.store.transaction_from_backend(Arc::new(begun));
        let postgres = tx.backend_as::<PostgresTransaction>().unwrap();
        let mut connection = postgres.connection().await.unwrap();
        let level: String = sqlx::query_scalar("SHOW transaction_isolation")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert_eq!(level, told);
        drop(connection);
        tx.commit().await.unwrap();
    }
}

/// Two transactions that each read what the other writes cannot both be first.
#[tokio::test]
async fn what_cannot_be_put_in_order_is_run_again() {
    let (_database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    items.put_bulk((1..=2).map(|id| Item { amount: 1, ..item(id) })).await.unwrap();
    // Takes one away as long as two are left in all: without an order both would.
    let take = |id: i64| {
        let (store, items) = (opened.store.clone(), items.clone());
        async move {
            store
                .retry_transaction(100, async |tx| {
                    let inside = items.in_tx(tx);
                    let left: i64 = inside.get_all().await?.iter().map(|item| item.amount).sum();
                    tokio::task::yield_now().await;
                    if left < 2 {
                        return Ok(false);
                    }
                    let none = ItemPatch { amount: Set(0), ..Default::default() };
                    inside.update(&id, none).await?;
                    Ok(true)
                })
                .await
        }
    };
    let taken = at_once([take(1), take(2)]).await;
    let taken: Vec<bool> = taken.into_iter().map(Result::unwrap).collect();
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
}
