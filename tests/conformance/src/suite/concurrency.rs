//! Many operations at once, in one task, and operations that are dropped half-way.

use std::time::Duration;

use futures::{
    FutureExt as _,
    future::{join, join_all},
};
use storehouse::prelude::Set;
use storehouse_runtime::{Error, Store};

use super::tables::{Line, Product, Setting, SettingPatch, line, product, setting};
use crate::{behaviour::Outcome, expect::set_up, kind::kind};

pub(crate) async fn writes_at_once_all_arrive(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let puts = (0..100).map(|n| settings.put(setting(&format!("{n:03}"), n)));
    for (n, saved) in (0..).zip(join_all(puts).await) {
        assert_eq!(saved?, setting(&format!("{n:03}"), n));
    }
    let all = settings.get_all().await?;
    assert_eq!(all, (0..100).map(|n| setting(&format!("{n:03}"), n)).collect::<Vec<_>>());
    Ok(())
}

pub(crate) async fn reads_at_once_get_their_own_rows(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk((0..50).map(|n| setting(&n.to_string(), n))).await?;
    let gets = (0..200).map(|n| {
        let settings = settings.clone();
        async move { settings.get(&n.to_string()).await }
    });
    for (n, row) in (0..200).zip(join_all(gets).await) {
        assert_eq!(row?, (n < 50).then(|| setting(&n.to_string(), n)));
    }
    Ok(())
}

/// Where writes share a commit, one that fails fails alone.
pub(crate) async fn one_bad_write_fails_alone(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product("taken", "tools", 1.0)).await?;
    let puts = (0..60).map(|n| {
        let sku = if n % 3 == 0 { "taken".to_owned() } else { format!("free-{n}") };
        let products = products.clone();
        async move { products.put(product(&sku, "tools", 1.0)).await }
    });
    for (n, result) in (0..60).zip(join_all(puts).await) {
        match result {
            Ok(saved) => assert_eq!(saved.sku, format!("free-{n}")),
            Err(error) => assert!(n % 3 == 0 && kind(&error) == "Conflict", "{n}: {error}"),
        }
    }
    assert_eq!(products.size().await?, 41);
    Ok(())
}

pub(crate) async fn of_many_inserts_of_one_value_one_wins(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let inserts = (0..20).map(|_| products.insert(product("A1", "tools", 1.0)));
    let results = join_all(inserts).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert_eq!(kind(&error), "Conflict", "{error}");
    }
    let if_absent = (0..20).map(|_| products.insert_if_absent(product("B1", "tools", 1.0)));
    let mut stored = 0;
    for result in join_all(if_absent).await {
        stored += usize::from(result?.is_some());
    }
    assert_eq!(stored, 1);
    assert_eq!(products.size().await?, 2);
    Ok(())
}

/// Writes to one key follow one another: the row is always that of one of them.
pub(crate) async fn writes_to_one_key_do_not_mix(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    let put = |amount: i64| {
        let row = Line { note: Some(amount.to_string()), ..line("A", 1, amount) };
        lines.put(row)
    };
    for result in join_all((0..50).map(put)).await {
        let row = result?;
        assert_eq!(row.note, Some(row.amount.to_string()));
    }
    let row = lines.get_all().await?.remove(0);
    assert_eq!(row.note, Some(row.amount.to_string()));
    Ok(())
}

/// A bulk is read whole or not at all, by each way to read it.
pub(crate) async fn a_bulk_is_seen_whole(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    lines.put_bulk((0..200).map(|number| line("A", number, 0))).await?;
    let writer = async {
        for amount in 1..10 {
            lines.put_bulk((0..200).map(|number| line("A", number, amount))).await?;
        }
        Ok::<_, Error>(())
    };
    let reader = async {
        for _ in 0..30 {
            let rows = lines.get_all().await?;
            assert_eq!(rows.len(), 200);
            assert!(rows.iter().all(|row| row.amount == rows[0].amount));
            // Gives way to the writer, where reads complete at once.
            futures_timer::Delay::new(Duration::from_micros(100)).await;
        }
        Ok::<_, Error>(())
    };
    let (written, read) = join(writer, reader).await;
    written?;
    read?;
    Ok(())
}

pub(crate) async fn different_operations_at_once(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk((0..40).map(|n| setting(&format!("old{n:02}"), n))).await?;
    let puts = join_all((0..20).map(|n| settings.put(setting(&format!("new{n:02}"), n))));
    let updates = join_all((0..20).map(|n| {
        let settings = settings.clone();
        let patch = SettingPatch { value: Set(n + 1_000) };
        async move { settings.update(&format!("old{n:02}"), patch).await }
    }));
    let deletes = join_all((20..40).map(|n| {
        let settings = settings.clone();
        async move { settings.delete(&format!("old{n:02}")).await }
    }));
    let counts = join_all((0..20).map(|_| settings.size()));
    let ((puts, updates), (deletes, counts)) =
        join(join(puts, updates), join(deletes, counts)).await;
    for put in puts {
        put?;
    }
    for update in updates {
        assert!(update?.is_some());
    }
    for delete in deletes {
        assert!(delete?);
    }
    for count in counts {
        assert!((20..=60).contains(&count?));
    }
    assert_eq!(settings.count(Setting::NAME.starts_with("old")).await?, 20);
    assert_eq!(settings.count(Setting::VALUE.ge(1_000)).await?, 20);
    assert_eq!(settings.size().await?, 40);
    Ok(())
}

/// A future that was dropped has done its operation or not, never half of it, and harms no other.
pub(crate) async fn a_dropped_write_is_done_or_not(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    for number in 0..40 {
        let invoice = number.to_string();
        let rows = (0..50).map(|number| line(&invoice, number, 1));
        let bulk = lines.put_bulk(rows);
        if number % 4 == 0 {
            drop(bulk);
        } else if number % 4 == 1 {
            let _ = bulk.now_or_never();
        } else {
            let brief = futures_timer::Delay::new(Duration::from_micros(number * 20));
            futures::pin_mut!(bulk);
            futures::future::select(bulk, brief).await;
        }
    }
    // Writes are done in order, so those before this one are done or never will be.
    lines.put(line("last", 0, 1)).await?;
    for number in 0..40 {
        let count = lines.count(Line::INVOICE.eq(number.to_string())).await?;
        assert!(count == 0 || count == 50, "{count} of 50 rows were written");
        assert!(number % 4 != 0 || count == 0, "what was never polled was done");
    }
    Ok(())
}

pub(crate) async fn a_dropped_read_harms_nothing(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    lines.put_bulk((0..500).map(|number| line("A", number, 1))).await?;
    for _ in 0..100 {
        let _ = lines.get_all().into_future().now_or_never();
        let _ = lines.get_many(Vec::<&super::tables::LineKey>::new()).now_or_never();
        let _ = lines.count(Line::AMOUNT.eq(1)).now_or_never();
    }
    assert_eq!(lines.get_all().await?.len(), 500);
    lines.put(line("B", 1, 1)).await?;
    Ok(())
}
