//! Transactions: all of it or nothing, and nobody sees the middle.

use std::{panic::AssertUnwindSafe, pin::pin, sync::Arc, task::Poll, time::Duration};

use futures::{FutureExt as _, TryStreamExt as _, channel::oneshot, future::join};
use storehouse::{Tabular, prelude::Set};
use storehouse_runtime::{Error, Result, Store, memory::InMemoryBackend};

use super::tables::{
    Line, Product, Setting, SettingPatch, line, product, product_with_id, setting,
};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, fails, set_up},
};

pub(crate) async fn commit_what_their_body_did(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let lines = set_up::<Line>(store).await?;
    let returned = store
        .transaction(async |tx| {
            settings.in_tx(tx).put(setting("a", 1)).await?;
            lines.in_tx(tx).put_bulk([line("A", 1, 1), line("A", 2, 2)]).await?;
            Ok("what the body returns")
        })
        .await?;
    assert_eq!(returned, "what the body returns");
    assert_eq!(settings.get("a").await?, Some(setting("a", 1)));
    assert_eq!(lines.size().await?, 2);
    Ok(())
}

pub(crate) async fn can_do_everything_a_handle_can(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk([setting("a", 1), setting("b", 2), setting("c", 3)]).await?;
    store
        .transaction(async |tx| {
            let inside = settings.in_tx(tx);
            assert_eq!(inside.get("a").await?, Some(setting("a", 1)));
            inside.update("a", SettingPatch { value: Set(10) }).await?;
            assert!(inside.delete("b").await?);
            assert_eq!(inside.delete_search(Setting::VALUE.eq(3)).await?, 1);
            inside.insert(setting("d", 4)).await?;
            assert_eq!(inside.insert_if_absent(setting("d", 5)).await?, None);
            let expected = [setting("a", 10), setting("d", 4)];
            assert_eq!(inside.get_all().await?, expected);
            assert_eq!(inside.query(Setting::VALUE.gt(4)).await?, expected[..1]);
            assert_eq!(inside.get_many(["d", "b"]).await?, [Some(setting("d", 4)), None]);
            assert_eq!(inside.get_bulk(1, 5).await?, expected[1..]);
            assert_eq!((inside.size().await?, inside.count(Setting::VALUE.gt(4)).await?), (2, 1));
            assert_eq!(inside.records(1).try_collect::<Vec<_>>().await?, expected);
            inside.get_all().explain().await?;
            inside.delete_all().await?;
            inside.put(setting("e", 5)).await
        })
        .await?;
    assert_eq!(settings.get_all().await?, [setting("e", 5)]);
    Ok(())
}

pub(crate) async fn roll_back_on_an_error_and_return_it(store: &Store) -> Outcome {
    #[derive(Debug, PartialEq)]
    struct OutOfStock(u32);
    impl std::fmt::Display for OutOfStock {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{} are left", self.0)
        }
    }
    impl std::error::Error for OutOfStock {}

    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("a", 1)).await?;
    let failed: Result<()> = store
        .transaction(async |tx| {
            settings.in_tx(tx).put(setting("a", 2)).await?;
            settings.in_tx(tx).put(setting("b", 3)).await?;
            Err(Error::application(OutOfStock(3)))
        })
        .await;
    let Error::Application { source } = fails("Application", failed) else { unreachable!() };
    assert_eq!(source.downcast_ref(), Some(&OutOfStock(3)));
    assert_eq!(settings.get_all().await?, [setting("a", 1)]);
    // An error of the store that the body passes on does the same.
    let failed: Result<()> = store
        .transaction(async |tx| {
            settings.in_tx(tx).put(setting("b", 3)).await?;
            settings.in_tx(tx).insert(setting("a", 4)).await?;
            Ok(())
        })
        .await;
    conflicts(&["name"], failed);
    assert_eq!(settings.get_all().await?, [setting("a", 1)]);
    Ok(())
}

pub(crate) async fn roll_back_on_a_panic(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let body = store.transaction(async |tx| -> Result<()> {
        settings.in_tx(tx).put(setting("a", 1)).await?;
        std::panic::panic_any("the body panics")
    });
    let panic = AssertUnwindSafe(body).catch_unwind().await.expect_err("the body panics");
    assert_eq!(panic.downcast_ref(), Some(&"the body panics"));
    assert_eq!(settings.size().await?, 0);
    settings.put(setting("b", 2)).await?;
    Ok(())
}

pub(crate) async fn roll_back_when_dropped(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    {
        let mut body = pin!(store.transaction(async |tx| {
            settings.in_tx(tx).put(setting("a", 1)).await?;
            std::future::pending::<Result<()>>().await
        }));
        // Some polls, so that the put is done and the body waits for ever.
        for _ in 0..50 {
            let polled = futures::poll!(&mut body);
            assert!(matches!(polled, Poll::Pending));
            futures_timer::Delay::new(Duration::from_millis(1)).await;
        }
    }
    // The next writer neither waits nor sees it.
    settings.put(setting("b", 2)).await?;
    assert_eq!(settings.get_all().await?, [setting("b", 2)]);
    Ok(())
}

pub(crate) async fn begin_and_commit_by_hand(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let tx = store.begin().await?;
    settings.in_tx(&tx).put(setting("a", 1)).await?;
    tx.commit().await?;
    assert_eq!(settings.get_all().await?, [setting("a", 1)]);
    let tx = store.begin().await?;
    settings.in_tx(&tx).put(setting("b", 2)).await?;
    tx.rollback().await?;
    let tx = store.begin().await?;
    settings.in_tx(&tx).put(setting("c", 3)).await?;
    drop(tx);
    settings.put(setting("d", 4)).await?;
    assert_eq!(settings.get_all().await?, [setting("a", 1), setting("d", 4)]);
    Ok(())
}

pub(crate) async fn can_be_empty(store: &Store) -> Outcome {
    store.transaction(async |_| Ok(())).await?;
    store.begin().await?.commit().await?;
    store.begin().await?.rollback().await?;
    drop(store.begin().await?);
    store.transaction(async |_| Ok(())).await?;
    Ok(())
}

/// What is not committed is seen inside and nowhere else. A backend with a single connection may
/// refuse the read instead.
pub(crate) async fn are_not_seen_before_their_commit(store: &Store) -> Outcome {
    fn unseen(seen: Result<Vec<Setting>>) {
        match seen {
            Ok(rows) => assert_eq!(rows, [setting("a", 1)]),
            Err(error) => drop(fails::<()>("Deadlock", Err(error))),
        }
    }
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("a", 1)).await?;
    let other = store.tabular::<Setting>().await?;
    store
        .transaction(async |tx| {
            let inside = settings.in_tx(tx);
            inside.put(setting("a", 2)).await?;
            inside.put(setting("b", 3)).await?;
            assert_eq!(inside.get_all().await?, [setting("a", 2), setting("b", 3)]);
            unseen(other.get_all().await);
            unseen(other.get("a").await.map(|row| row.into_iter().collect()));
            unseen(settings.query(Setting::VALUE.gt(0)).await);
            Ok(())
        })
        .await?;
    assert_eq!(other.get_all().await?, [setting("a", 2), setting("b", 3)]);
    Ok(())
}

pub(crate) async fn go_on_after_an_operation_that_failed(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    store
        .transaction(async |tx| {
            let inside = products.in_tx(tx);
            inside.put(product_with_id(1, "A1")).await?;
            conflicts(&["sku"], inside.put(product_with_id(2, "A1")).await);
            conflicts(&["id"], inside.insert(product_with_id(1, "A2")).await);
            let bulk = [product_with_id(2, "A2"), product_with_id(3, "A1")];
            conflicts(&["sku"], inside.put_bulk(bulk).await);
            fails("Validation", inside.put(product("A3", "tools", f64::NAN)).await);
            inside.put(product_with_id(4, "A4")).await
        })
        .await?;
    assert_eq!(products.get_all().await?, [product_with_id(1, "A1"), product_with_id(4, "A4")]);
    Ok(())
}

pub(crate) async fn generate_keys(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product_with_id(5, "A0")).await?;
    let failed = store.transaction(async |tx| -> Result<()> {
        products.in_tx(tx).put(product("A1", "tools", 1.0)).await?;
        Err(Error::application("no"))
    });
    fails("Application", failed.await);
    let inside = store
        .transaction(async |tx| products.in_tx(tx).put(product("A2", "tools", 1.0)).await)
        .await?;
    let outside = products.put(product("A3", "tools", 1.0)).await?;
    let ids = [5, inside.id, outside.id];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    assert_eq!(products.size().await?, 3);
    Ok(())
}

/// Adds one, however often it takes: a backend that lets transactions run side by side may refuse
/// one that came in the way of another, and says that it can be run again.
pub(super) async fn add_one(settings: &Tabular<Setting>, store: &Store) -> Result<()> {
    store
        .retry_transaction(usize::MAX, async |tx| {
            let inside = settings.in_tx(tx);
            let counter = inside.get("counter").await?.map_or(0, |row| row.value);
            inside.put(setting("counter", counter + 1)).await?;
            Ok(())
        })
        .await
}

pub(crate) async fn lose_no_update(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let all = (0..20).map(|_| add_one(&settings, store));
    for result in futures::future::join_all(all).await {
        result?;
    }
    assert_eq!(settings.get("counter").await?, Some(setting("counter", 20)));
    Ok(())
}

pub(crate) async fn let_other_writers_wait(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let (begun, has_begun) = oneshot::channel();
    let body = store.transaction(async |tx| {
        let inside = settings.in_tx(tx);
        inside.put(setting("a", 1)).await?;
        let _ = begun.send(());
        // Another future of this task may wait: it is not inside the body.
        futures_timer::Delay::new(Duration::from_millis(50)).await;
        assert_eq!(inside.get("a").await?, Some(setting("a", 1)));
        inside.put(setting("b", 1)).await
    });
    let other = async {
        let _ = has_begun.await;
        settings.put(setting("a", 2)).await
    };
    let (inside, outside) = join(body, other).await;
    inside?;
    outside?;
    assert_eq!(settings.get_all().await?, [setting("a", 2), setting("b", 1)]);
    Ok(())
}

/// A handle outside of the transaction would wait for its own task, so it is told at once.
pub(crate) async fn tell_of_a_deadlock_at_once(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("a", 1)).await?;
    store
        .transaction(async |tx| {
            settings.in_tx(tx).put(setting("b", 2)).await?;
            let error = fails("Deadlock", settings.put(setting("c", 3)).await);
            assert!(error.to_string().contains("in_tx"), "{error}");
            fails("Deadlock", settings.put_bulk([setting("c", 3)]).await);
            fails("Deadlock", settings.insert(setting("c", 3)).await);
            fails("Deadlock", settings.update("a", SettingPatch { value: Set(2) }).await);
            fails("Deadlock", settings.delete("a").await);
            fails("Deadlock", settings.delete_search(Setting::NAME.eq("a")).await);
            fails("Deadlock", settings.delete_all().await);
            fails("Deadlock", store.begin().await);
            let nested = store.transaction(async |_| Ok(())).await;
            fails("Deadlock", nested);
            let other = store.tabular::<Setting>().await?;
            fails("Deadlock", other.put(setting("c", 3)).await);
            settings.in_tx(tx).put(setting("d", 4)).await
        })
        .await?;
    let expected = [setting("a", 1), setting("b", 2), setting("d", 4)];
    assert_eq!(settings.get_all().await?, expected);
    Ok(())
}

/// After `begin` nothing tells whose transaction is waited for, so the wait ends by itself.
pub(crate) async fn let_nobody_wait_for_ever(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let tx = store.begin().await?;
    settings.in_tx(&tx).put(setting("a", 1)).await?;
    let error = fails("Busy", settings.put(setting("a", 2)).await);
    assert!(error.is_retryable());
    tx.commit().await?;
    settings.put(setting("b", 2)).await?;
    assert_eq!(settings.size().await?, 2);
    Ok(())
}

pub(crate) async fn refuse_handles_of_other_stores(store: &Store) -> Outcome {
    let other = Store::from_backend(Arc::new(InMemoryBackend::new()));
    let settings = set_up::<Setting>(store).await?;
    let foreign = set_up::<Setting>(&other).await?;
    store
        .transaction(async |tx| {
            let inside = foreign.in_tx(tx);
            let error = fails("Validation", inside.put(setting("a", 1)).await);
            assert!(error.to_string().contains("another store"), "{error}");
            fails("Validation", inside.get("a").await);
            fails("Validation", inside.get_all().await);
            // Used by itself it waits for nobody.
            foreign.put(setting("b", 2)).await?;
            settings.in_tx(tx).put(setting("c", 3)).await
        })
        .await?;
    assert_eq!(foreign.get_all().await?, [setting("b", 2)]);
    assert_eq!(settings.get_all().await?, [setting("c", 3)]);
    Ok(())
}
