//! Several threads on one store, each with a runtime of its own.

use std::thread;

use storehouse::Tabular;
use storehouse_runtime::{Result, Store};
use tokio::runtime::Builder;

use super::{
    tables::{Product, Setting, product, setting},
    transactions::add_one,
};
use crate::{behaviour::Outcome, expect::set_up, native::block_on};

const THREADS: usize = 4;

/// Runs `work` on each of several threads, with the thread's number.
fn on_threads(work: impl AsyncFn(usize) -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> =
            (0..THREADS).map(|number| scope.spawn(move || block_on(work(number)))).collect();
        (threads.into_iter()).try_for_each(|thread| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

pub(crate) async fn write_and_read_at_once(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    on_threads(async |thread| {
        for number in 0..50 {
            let sku = format!("{thread}-{number}");
            let saved = products.put(product(&sku, &thread.to_string(), 1.0)).await?;
            assert_eq!(products.get(&saved.id).await?, Some(saved));
            let own = products.count(Product::CATEGORY.eq(thread.to_string())).await?;
            assert_eq!(own, number + 1);
        }
        Ok(())
    })?;
    assert_eq!(products.size().await?, 50 * THREADS as u64);
    Ok(())
}

pub(crate) async fn lose_no_update(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    on_threads(async |_| {
        for _ in 0..25 {
            add_one(&settings, store).await?;
        }
        Ok(())
    })?;
    let expected = setting("counter", 25 * i64::try_from(THREADS).expect("few threads"));
    assert_eq!(settings.get("counter").await?, Some(expected));
    Ok(())
}

pub(crate) async fn see_bulks_whole(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let bulk = |value| (0..100).map(move |n| setting(&format!("{n:03}"), value));
    settings.put_bulk(bulk(0)).await?;
    on_threads(async |thread| {
        for value in 0..20 {
            if thread == 0 {
                settings.put_bulk(bulk(value)).await?;
            } else {
                let rows = settings.get_all().await?;
                assert_eq!(rows.len(), 100);
                assert!(rows.iter().all(|row| row.value == rows[0].value));
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// Every operation can be spawned on a runtime that moves tasks between threads.
pub(crate) async fn can_be_those_of_a_runtime(store: &Store) -> Outcome {
    async fn work(store: Store, settings: Tabular<Setting>, number: i64) -> Result<i64> {
        let name = number.to_string();
        settings.put(setting(&name, number)).await?;
        settings.put_bulk([setting(&name, number)]).await?;
        let found = settings.query(Setting::NAME.eq(name.as_str())).await?;
        if store.capabilities().transactions {
            let tx = store.begin().await?;
            settings.in_tx(&tx).put(setting(&name, number)).await?;
            tx.commit().await?;
        }
        Ok(found[0].value)
    }
    let settings = set_up::<Setting>(store).await?;
    let store = store.clone();
    let runtime = thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(3).enable_all().build();
        let runtime = runtime.expect("a runtime needs no more than threads");
        runtime.block_on(async {
            let tasks: Vec<_> = (0..20)
                .map(|number| tokio::spawn(work(store.clone(), settings.clone(), number)))
                .collect();
            let mut values = Vec::new();
            for task in tasks {
                values.push(task.await.expect("the task does not panic"));
            }
            values.into_iter().collect::<Result<Vec<_>>>()
        })
    });
    let values = runtime.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    assert_eq!(values, (0..20).collect::<Vec<_>>());
    Ok(())
}
