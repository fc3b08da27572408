//! Locks on the rows that a query gives.

use std::collections::BTreeSet;

use storehouse::Tabular;
use storehouse_runtime::{Result, RowLock, Store};

use super::tables::{Setting, SettingPatch, setting};
use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused, set_up},
};
use storehouse_runtime::PatchField::Set;

pub(crate) async fn are_refused_outside_of_a_transaction(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("a", 1)).await?;
    for lock in [RowLock::for_update(), RowLock::for_share().skip_locked()] {
        is_refused("in_tx", settings.get_all().lock(lock).await);
        is_refused("in_tx", settings.get_all().lock(lock).page().await);
    }
    Ok(())
}

pub(crate) async fn go_with_every_kind_of_query(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk([setting("a", 1), setting("b", 2), setting("c", 3)]).await?;
    let tx = store.begin().await?;
    let inside = settings.in_tx(&tx);
    for lock in [
        RowLock::for_update(),
        RowLock::for_update().no_wait(),
        RowLock::for_update().skip_locked(),
        RowLock::for_share(),
        RowLock::for_share().no_wait(),
        RowLock::for_share().skip_locked(),
    ] {
        let query =
            || inside.query(Setting::VALUE.ge(2)).order_by(Setting::VALUE.desc()).lock(lock);
        assert_eq!(query().await?, [setting("c", 3), setting("b", 2)]);
        assert_eq!(query().first().await?, Some(setting("c", 3)));
        let page = query().limit(1).page().await?;
        let rest = query().after(&page.next.expect("a row is left")).await?;
        assert_eq!(rest, [setting("b", 2)]);
        is_refused("lock", query().count().await);
    }
    tx.commit().await?;
    Ok(())
}

/// What is written on the ground of what was read under a lock takes nothing back that another
/// transaction wrote.
pub(crate) async fn lose_no_update(store: &Store) -> Outcome {
    async fn add_one(settings: &Tabular<Setting>, store: &Store) -> Result<()> {
        store
            .retry_transaction(usize::MAX, async |tx| {
                let inside = settings.in_tx(tx);
                let counter = inside.query(Setting::NAME.eq("counter")).lock(RowLock::for_update());
                let value = counter.first().await?.map_or(0, |row| row.value) + 1;
                inside.update("counter", SettingPatch { value: Set(value) }).await?;
                Ok(())
            })
            .await
    }
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("counter", 0)).await?;
    let all = (0..20).map(|_| add_one(&settings, store));
    for result in futures::future::join_all(all).await {
        result?;
    }
    assert_eq!(settings.get("counter").await?, Some(setting("counter", 20)));
    Ok(())
}

/// Many take from one pile, and nobody takes what another has.
pub(crate) async fn share_out_rows_without_waiting(store: &Store) -> Outcome {
    async fn take(settings: &Tabular<Setting>, store: &Store) -> Result<Option<String>> {
        store
            .retry_transaction(usize::MAX, async |tx| {
                let inside = settings.in_tx(tx);
                let free = inside.query(Setting::VALUE.eq(0));
                let free = free.lock(RowLock::for_update().skip_locked()).first().await?;
                let Some(row) = free else { return Ok(None) };
                inside.update(row.name.as_str(), SettingPatch { value: Set(1) }).await?;
                Ok(Some(row.name))
            })
            .await
    }
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk((0..10).map(|n| setting(&n.to_string(), 0))).await?;
    let all = (0..5).map(|_| async {
        let mut taken = Vec::new();
        // Nothing is free while others hold what is left; then they may still give it back.
        while settings.count(Setting::VALUE.eq(0)).await? > 0 {
            taken.extend(take(&settings, store).await?);
        }
        Ok::<_, storehouse_runtime::Error>(taken)
    });
    let mut seen = BTreeSet::new();
    for taken in futures::future::join_all(all).await {
        for name in taken? {
            assert!(seen.insert(name), "two transactions took the same row");
        }
    }
    assert_eq!(seen.len(), 10);
    Ok(())
}

pub(crate) async fn are_where_the_backend_says(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let locked = settings.get_all().lock(RowLock::for_update()).await;
    if store.capabilities().row_locks {
        is_refused("in_tx", locked);
    } else {
        fails("Unsupported", locked);
    }
    Ok(())
}
