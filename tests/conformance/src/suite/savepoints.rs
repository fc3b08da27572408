//! Savepoints: a part of a transaction that is undone by itself.

use std::{panic::AssertUnwindSafe, pin::pin, task::Poll, time::Duration};

use futures::{FutureExt as _, future::join};
use storehouse_runtime::{Error, Result, Store, Transaction};

use super::tables::{Line, Setting, line, setting};
use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused, set_up},
};

fn no() -> Error {
    Error::application("no")
}

pub(crate) async fn keep_what_succeeded_and_undo_what_failed(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let lines = set_up::<Line>(store).await?;
    settings.put(setting("a", 0)).await?;
    store
        .transaction(async |tx| {
            settings.in_tx(tx).put(setting("b", 1)).await?;
            let kept = tx
                .savepoint(async |tx| {
                    settings.in_tx(tx).put(setting("c", 2)).await?;
                    Ok("returned")
                })
                .await?;
            assert_eq!(kept, "returned");
            let undone: Result<()> = tx
                .savepoint(async |tx| {
                    settings.in_tx(tx).put(setting("a", 9)).await?;
                    settings.in_tx(tx).delete("b").await?;
                    lines.in_tx(tx).put(line("A", 1, 1)).await?;
                    Err(no())
                })
                .await;
            fails("Application", undone);
            // At once it is as it was before.
            let expected = [setting("a", 0), setting("b", 1), setting("c", 2)];
            assert_eq!(settings.in_tx(tx).get_all().await?, expected);
            settings.in_tx(tx).put(setting("d", 4)).await
        })
        .await?;
    let expected = [setting("a", 0), setting("b", 1), setting("c", 2), setting("d", 4)];
    assert_eq!(settings.get_all().await?, expected);
    assert_eq!(lines.size().await?, 0);
    Ok(())
}

pub(crate) async fn nest(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    store
        .transaction(async |tx| {
            let outer: Result<()> = tx
                .savepoint(async |tx| {
                    settings.in_tx(tx).put(setting("outer", 1)).await?;
                    tx.savepoint(async |tx| settings.in_tx(tx).put(setting("inner", 2)).await)
                        .await?;
                    // What was kept within is undone with what is around it.
                    Err(no())
                })
                .await;
            fails("Application", outer);
            tx.savepoint(async |tx| {
                settings.in_tx(tx).put(setting("kept", 3)).await?;
                let inner: Result<()> = tx
                    .savepoint(async |tx| {
                        settings.in_tx(tx).put(setting("undone", 4)).await?;
                        tx.savepoint(async |tx| settings.in_tx(tx).put(setting("deep", 5)).await)
                            .await?;
                        Err(no())
                    })
                    .await;
                fails("Application", inner);
                Ok(())
            })
            .await
        })
        .await?;
    assert_eq!(settings.get_all().await?, [setting("kept", 3)]);
    Ok(())
}

pub(crate) async fn are_undone_with_their_transaction(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let failed: Result<()> = store
        .transaction(async |tx| {
            tx.savepoint(async |tx| settings.in_tx(tx).put(setting("a", 1)).await).await?;
            Err(no())
        })
        .await;
    fails("Application", failed);
    assert_eq!(settings.size().await?, 0);
    Ok(())
}

pub(crate) async fn are_undone_by_a_panic(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    store
        .transaction(async |tx| {
            settings.in_tx(tx).put(setting("a", 1)).await?;
            let part = tx.savepoint(async |tx| -> Result<()> {
                settings.in_tx(tx).put(setting("b", 2)).await?;
                std::panic::panic_any(())
            });
            assert!(AssertUnwindSafe(part).catch_unwind().await.is_err());
            assert_eq!(settings.in_tx(tx).get_all().await?, [setting("a", 1)]);
            Ok(())
        })
        .await?;
    assert_eq!(settings.get_all().await?, [setting("a", 1)]);
    Ok(())
}

pub(crate) async fn are_undone_when_dropped(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let tx = store.begin().await?;
    settings.in_tx(&tx).put(setting("a", 1)).await?;
    {
        let mut part = pin!(tx.savepoint(async |tx| {
            settings.in_tx(tx).put(setting("b", 2)).await?;
            std::future::pending::<Result<()>>().await
        }));
        for _ in 0..50 {
            assert!(matches!(futures::poll!(&mut part), Poll::Pending));
            futures_timer::Delay::new(Duration::from_millis(1)).await;
        }
    }
    assert_eq!(settings.in_tx(&tx).get_all().await?, [setting("a", 1)]);
    tx.savepoint(async |tx| settings.in_tx(tx).put(setting("c", 3)).await).await?;
    tx.commit().await?;
    assert_eq!(settings.get_all().await?, [setting("a", 1), setting("c", 3)]);
    Ok(())
}

/// Two beside each other could not be told apart when one of them is undone.
pub(crate) async fn are_refused_beside_each_other(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let part = async |tx: &Transaction, name: &str| {
        tx.savepoint(async |tx| {
            settings.in_tx(tx).put(setting(name, 1)).await?;
            futures_timer::Delay::new(Duration::from_millis(5)).await;
            Ok(())
        })
        .await
    };
    store
        .transaction(async |tx| {
            let (first, second) = join(part(tx, "a"), part(tx, "b")).await;
            first?;
            is_refused("savepoint", second);
            // One after the other is fine.
            part(tx, "c").await
        })
        .await?;
    assert_eq!(settings.get_all().await?, [setting("a", 1), setting("c", 1)]);
    Ok(())
}

pub(crate) async fn give_keys_back_without_harm(store: &Store) -> Outcome {
    use super::tables::{Product, product};

    let products = set_up::<Product>(store).await?;
    let ids = store
        .transaction(async |tx| {
            let first = products.in_tx(tx).put(product("A1", "tools", 1.0)).await?;
            let undone: Result<()> = tx
                .savepoint(async |tx| {
                    products.in_tx(tx).put(product("A2", "tools", 1.0)).await?;
                    Err(no())
                })
                .await;
            fails("Application", undone);
            let second = products.in_tx(tx).put(product("A2", "tools", 1.0)).await?;
            Ok([first.id, second.id])
        })
        .await?;
    assert_ne!(ids[0], ids[1]);
    assert_eq!(products.size().await?, 2);
    Ok(())
}
