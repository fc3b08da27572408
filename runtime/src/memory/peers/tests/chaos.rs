//! Tabs that write at random, over a browser that delays, loses and kills at random. A seed that fails does so
//! again.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    super::simulation::{Network, Order},
    ORDERS, Tab, insert, open, patiently, quiet, seats,
};
use crate::{
    backend::Backend as _,
    error::Error,
    filter::FilterTree,
    value::{EncodedKey, Value},
};

/// What a tab was told is done, and what it began.
#[derive(Default)]
struct Told {
    added: i64,
    begun: i64,
    seats: BTreeSet<String>,
    deleted: BTreeSet<String>,
}

/// Writes at random until it is told to end, or dies.
async fn work(tab: Tab, told: Arc<Mutex<Told>>, mut random: fastrand::Rng, times: usize) {
    let counters = tab.counters().await;
    let table = patiently!(tab.table(&seats()));
    let mut own = Vec::new();
    for number in 0..times {
        if random.u8(..8) == 0 {
            tokio::time::sleep(Duration::from_millis(random.u64(..200))).await;
        }
        match random.u8(..6) {
            0 | 1 => {
                told.lock().unwrap().begun += 1;
                patiently!(counters.increment("visits", 1));
                told.lock().unwrap().added += 1;
            }
            2 => {
                let seat = format!("{}-{number}", tab.number);
                let id = patiently!(insert(&table, &seat));
                told.lock().unwrap().seats.insert(seat.clone());
                own.push((id, seat));
            }
            3 => {
                let Some((id, seat)) = own.pop() else { continue };
                told.lock().unwrap().deleted.insert(seat);
                let key = EncodedKey::single(Value::Int(id));
                assert!(patiently!(table.delete(key.clone(), FilterTree::all())));
            }
            commits => {
                let commits = commits == 4;
                told.lock().unwrap().begun += if commits { 2 } else { 0 };
                let transaction = patiently!(tab.backend.begin());
                let counters = transaction.kv(counters.definition()).unwrap();
                let key = || EncodedKey::single(Value::Text("visits".into()));
                counters.increment(key(), 1, 0).await.unwrap();
                tokio::time::sleep(Duration::from_millis(random.u64(..5))).await;
                counters.increment(key(), 1, 0).await.unwrap();
                if commits {
                    transaction.commit().await.unwrap();
                    told.lock().unwrap().added += 2;
                }
            }
        }
    }
    // Stays open.
    std::future::pending::<()>().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_tab_that_dies_was_told_is_done_the_others_have() {
    for seed in 0..150 {
        let mut random = fastrand::Rng::with_seed(seed);
        let network = Network::new(seed, Order::AsInBrowsers);
        let told = Arc::new(Mutex::new(Told::default()));
        let mut tabs = Vec::new();
        let first = open(&network).await.unwrap();
        first.counters().await;
        for _ in 0..4 {
            let tab = open(&network).await.unwrap();
            let work = work(tab.clone(), Arc::clone(&told), random.fork(), 60);
            let task = tokio::spawn(work);
            tabs.push((tab, task));
            tokio::time::sleep(Duration::from_millis(random.u64(..300))).await;
            if random.u8(..3) == 0 {
                let (tab, task) = tabs.swap_remove(random.usize(..tabs.len()));
                network.kill(tab.number);
                task.abort();
            }
        }
        quiet().await;
        let told = std::mem::take(&mut *told.lock().unwrap());
        let copy = first.copy();
        for (tab, task) in &tabs {
            assert!(!task.is_finished(), "{seed}: a tab failed");
            assert_eq!(tab.copy(), copy, "{seed}");
        }
        let visits = first.counters().await.get("visits").await.unwrap().unwrap_or_default();
        assert!((told.added..=told.begun).contains(&visits), "{seed}: {visits}, {}", told.added);
        for seat in told.seats.difference(&told.deleted) {
            assert!(copy.contains(&format!("\"{seat}\"")), "{seed}: {seat} is lost");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tabs_agree_whatever_is_lost_and_whoever_dies() {
    for (seed, order) in (0..60).flat_map(|seed| ORDERS.map(|order| (seed, order))) {
        let mut random = fastrand::Rng::with_seed(seed);
        let network = Network::new(seed, order);
        let told = Arc::new(Mutex::new(Told::default()));
        let mut tabs = Vec::new();
        network.lose(0.2);
        for number in 0..4 {
            let tab = patiently!(open(&network));
            // One dies in the midst of it.
            let work = work(tab.clone(), Arc::clone(&told), random.fork(), 40);
            let task = tokio::spawn(work);
            tokio::time::sleep(Duration::from_millis(random.u64(..300))).await;
            if number == 1 {
                network.kill(tab.number);
                task.abort();
            } else {
                tabs.push((tab, task));
            }
        }
        quiet().await;
        network.lose(0.0);
        for (tab, _) in &tabs {
            tab.counters().await.increment("last", 1).await.unwrap();
        }
        quiet().await;
        for (tab, _) in &tabs {
            assert_eq!(tab.copy(), tabs[0].0.copy(), "{seed} {order:?}");
        }
        let counters = tabs[0].0.counters().await;
        let visits = counters.get("visits").await.unwrap().unwrap_or_default();
        assert!(visits <= told.lock().unwrap().begun, "{seed} {order:?}");
    }
}
