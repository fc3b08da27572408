//! Running the cases.

use std::hint::black_box;

use tabular_common::{Bench, Case, Draw, Result, Row};
use tokio::sync::Mutex;

use crate::{Server, System, check};

/// The table of the cases on this machine.
const NEAR: &str = "postgres";

/// The table of the cases by way of the slow network, in which round trips decide.
const FAR: &str = "postgres, 1 ms away";

const SMALL: &str = "small";
const LARGE: &str = "large";

/// Where the keys of new rows begin.
const FIRST_NEW: i64 = 1_000_000_000;

/// Checks a system, and measures it in the cases with one caller.
pub async fn run<S: System>(server: &Server) -> Result {
    server.create(SMALL, Row::SMALL).await?;
    // Before anything is measured, which leaves other rows than those that are known.
    check::small(&mut S::open(&server.url(SMALL)).await?).await?;
    sequential::<S>(server).await?;
    server.drop(SMALL).await
}

/// Checks a system, and measures it in all cases.
pub async fn run_shared<S: System + Clone + Sync>(server: &Server) -> Result {
    server.create(SMALL, Row::SMALL).await?;
    let mut near = S::open(&server.url(SMALL)).await?;
    check::small(&mut near).await?;
    check::small_shared(&near).await?;
    concurrent(&Bench::from_env(NEAR)?, server, &near).await?;
    let far = S::open(&server.far_url(SMALL)).await?;
    concurrent(&Bench::from_env(FAR)?, server, &far).await?;
    drop((near, far));
    sequential::<S>(server).await?;
    server.drop(SMALL).await
}

async fn sequential<S: System>(server: &Server) -> Result {
    let near = S::open(&server.url(SMALL)).await?;
    let mut large_cases = [Case::IndexedQuery, Case::FullScan].into_iter();
    if large_cases.any(S::runs) {
        server.create(LARGE, Row::LARGE).await?;
        large(&Bench::from_env(NEAR)?, S::open(&server.url(LARGE)).await?).await?;
        server.drop(LARGE).await?;
    }

    let bench = Bench::from_env(NEAR)?;
    let near = Mutex::new(near);
    server.settle(SMALL).await?;
    point_read(&bench, &near).await?;
    put(&bench, &near).await?;
    server.settle(SMALL).await?;
    put_bulk(&bench, &near, 100).await?;
    server.settle(SMALL).await?;
    put_bulk(&bench, &near, 10_000).await?;
    server.settle(SMALL).await?;

    let bench = Bench::from_env(FAR)?;
    let far = Mutex::new(S::open(&server.far_url(SMALL)).await?);
    point_read(&bench, &far).await?;
    put(&bench, &far).await?;
    put_bulk(&bench, &far, 100).await?;
    server.expect_small(SMALL).await?;

    put_bulk_new(&Bench::from_env(NEAR)?, server, &near, 10_000).await
}

async fn point_read<S: System>(bench: &Bench, system: &Mutex<S>) -> Result {
    if !S::runs(Case::PointRead) {
        return Ok(());
    }
    bench
        .run(Case::PointRead, S::NAME, Draw::key, |keys| async move {
            let mut system = system.lock().await;
            for key in keys {
                assert!(black_box(system.get(key).await?).is_some());
            }
            Ok(())
        })
        .await
}

async fn put<S: System>(bench: &Bench, system: &Mutex<S>) -> Result {
    if !S::runs(Case::Put) {
        return Ok(());
    }
    bench
        .run(Case::Put, S::NAME, Draw::row, |rows| async move {
            let mut system = system.lock().await;
            for row in rows {
                system.put(row).await?;
            }
            Ok(())
        })
        .await
}

async fn put_bulk<S: System>(bench: &Bench, system: &Mutex<S>, size: usize) -> Result {
    let case = Case::PutBulk(size);
    if !S::runs(case) {
        return Ok(());
    }
    let batch = |draw: &mut Draw| draw.rows(size);
    bench
        .run(case, S::NAME, batch, |batches| async move {
            let mut system = system.lock().await;
            for batch in batches {
                system.put_bulk(batch).await?;
            }
            Ok(())
        })
        .await
}

async fn put_bulk_new<S: System>(
    bench: &Bench,
    server: &Server,
    system: &Mutex<S>,
    size: usize,
) -> Result {
    let case = Case::PutBulkNew(size);
    if !S::runs(case) {
        return Ok(());
    }
    let mut next = FIRST_NEW;
    let batch = |_: &mut Draw| {
        let first = next;
        next += size as i64;
        (first..next).map(|id| Row::new(id, 0)).collect()
    };
    bench
        .run(case, S::NAME, batch, |batches: Vec<Vec<Row>>| async move {
            let mut system = system.lock().await;
            for batch in batches {
                system.put_bulk_new(batch).await?;
            }
            Ok(())
        })
        .await?;
    let (all, small) = server.count(SMALL).await?;
    let added = next - FIRST_NEW;
    if (all - small, small) != (added, Row::SMALL as i64) {
        return Err(format!("{}: {added} rows were added, and {all} are there", S::NAME).into());
    }
    Ok(())
}

async fn large<S: System>(bench: &Bench, mut system: S) -> Result {
    check::large(&mut system).await?;
    let system = &Mutex::new(system);
    bench
        .run(Case::IndexedQuery, S::NAME, Draw::category, |categories| async move {
            let mut system = system.lock().await;
            for category in categories {
                let rows = system.by_category(category).await?;
                assert_eq!(black_box(rows).len(), Row::PER_CATEGORY);
            }
            Ok(())
        })
        .await?;
    bench
        .run(Case::FullScan, S::NAME, Draw::nothing, |scans| async move {
            let mut system = system.lock().await;
            for () in scans {
                assert_eq!(black_box(system.all().await?).len(), Row::LARGE);
            }
            Ok(())
        })
        .await
}

async fn concurrent<S: System + Clone>(bench: &Bench, server: &Server, system: &S) -> Result {
    server.settle(SMALL).await?;
    bench
        .run_concurrent(Case::ConcurrentReaders, S::NAME, Draw::key, |keys| {
            let mut system = system.clone();
            async move {
                for key in keys {
                    assert!(black_box(system.get(key).await?).is_some());
                }
                Ok(())
            }
        })
        .await?;
    bench
        .run_concurrent(Case::DurableWriters, S::NAME, Draw::row, |rows| {
            let mut system = system.clone();
            async move {
                for row in rows {
                    system.put(row).await?;
                }
                Ok(())
            }
        })
        .await?;
    server.expect_small(SMALL).await
}
