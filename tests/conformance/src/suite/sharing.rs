//! One database that is open several times, as it is when several processes use it.

use std::collections::BTreeSet;

use futures::future::{join, join_all};
use storehouse_runtime::{Result, Store};

use super::{
    tables::{Product, Setting, product, setting},
    transactions::add_one,
};
use crate::{
    behaviour::{Database, Outcome},
    expect::{conflicts, fails, set_up},
};

pub(crate) async fn shows_what_others_wrote(database: &Database<'_>) -> Outcome {
    let (one, other) = (database.open().await, database.open().await);
    let here = set_up::<Setting>(&one).await?;
    let there = set_up::<Setting>(&other).await?;
    for value in 0..20 {
        here.put(setting("a", value)).await?;
        assert_eq!(there.get("a").await?, Some(setting("a", value)));
        there.put(setting("b", value)).await?;
        assert_eq!(here.get_all().await?, [setting("a", value), setting("b", value)]);
    }
    Ok(())
}

pub(crate) async fn is_set_up_by_many_at_once(database: &Database<'_>) -> Outcome {
    let mut stores = Vec::new();
    for _ in 0..6 {
        stores.push(database.open().await);
    }
    let set_ups = stores.iter().map(async |store| {
        set_up::<Product>(store).await?;
        set_up::<Setting>(store).await
    });
    for settings in join_all(set_ups).await {
        settings?.put(setting("a", 1)).await?;
    }
    Ok(())
}

pub(crate) async fn generates_different_keys(database: &Database<'_>) -> Outcome {
    let (one, other) = (database.open().await, database.open().await);
    let here = set_up::<Product>(&one).await?;
    let there = set_up::<Product>(&other).await?;
    let mut ids = BTreeSet::new();
    for number in 0..20 {
        let first = here.put(product(&format!("here {number}"), "tools", 1.0));
        let second = there.put(product(&format!("there {number}"), "tools", 1.0));
        let (first, second) = join(first, second).await;
        assert!(ids.insert(first?.id) && ids.insert(second?.id));
    }
    assert_eq!(here.size().await?, 40);
    Ok(())
}

pub(crate) async fn holds_unique_values_across(database: &Database<'_>) -> Outcome {
    let (one, other) = (database.open().await, database.open().await);
    let here = set_up::<Product>(&one).await?;
    let there = set_up::<Product>(&other).await?;
    here.put(product("A1", "tools", 1.0)).await?;
    conflicts(&["sku"], there.insert(product("A1", "tools", 1.0)).await);
    let (first, second) =
        join(here.insert(product("B1", "t", 1.0)), there.insert(product("B1", "t", 1.0))).await;
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    assert_eq!(there.size().await?, 2);
    Ok(())
}

pub(crate) async fn loses_no_update(database: &Database<'_>) -> Outcome {
    async fn add(store: &Store, times: usize) -> Result<()> {
        let settings = store.tabular::<Setting>().await?;
        for _ in 0..times {
            add_one(&settings, store).await?;
        }
        Ok(())
    }
    let (one, other) = (database.open().await, database.open().await);
    set_up::<Setting>(&one).await?;
    let (here, there) = join(add(&one, 25), add(&other, 25)).await;
    here?;
    there?;
    let settings = other.tabular::<Setting>().await?;
    assert_eq!(settings.get("counter").await?, Some(setting("counter", 50)));
    Ok(())
}

pub(crate) async fn shows_no_transaction_before_its_commit(database: &Database<'_>) -> Outcome {
    let (one, other) = (database.open().await, database.open().await);
    let here = set_up::<Setting>(&one).await?;
    let there = set_up::<Setting>(&other).await?;
    here.put(setting("a", 1)).await?;
    let tx = one.begin().await?;
    here.in_tx(&tx).put(setting("a", 2)).await?;
    here.in_tx(&tx).put(setting("b", 2)).await?;
    assert_eq!(there.get_all().await?, [setting("a", 1)]);
    assert_eq!(there.get("b").await?, None);
    tx.commit().await?;
    assert_eq!(there.get_all().await?, [setting("a", 2), setting("b", 2)]);
    Ok(())
}

pub(crate) async fn tells_a_writer_that_it_waited_too_long(database: &Database<'_>) -> Outcome {
    let (one, other) = (database.open().await, database.open().await);
    let here = set_up::<Setting>(&one).await?;
    let there = set_up::<Setting>(&other).await?;
    let tx = one.begin().await?;
    here.in_tx(&tx).put(setting("a", 1)).await?;
    let error = fails("Busy", there.put(setting("a", 2)).await);
    assert!(error.is_retryable());
    tx.commit().await?;
    there.put(setting("a", 2)).await?;
    assert_eq!(here.get("a").await?, Some(setting("a", 2)));
    Ok(())
}
