//! Stacks of layers in an order that is drawn, over every backend.

use std::{path::PathBuf, sync::Mutex, time::Duration};

use storehouse_conformance::Behaviour;
use storehouse_runtime::{
    Store,
    layers::{Cached, Chaos, ConcurrencyLimit, Log, Retry, Telemetry, Timeout},
};
use storehouse_test_postgres::Database;

use super::{ends_soon, faults, hold, memory, persistent_retry};

/// Puts two to six layers around a store. Faults are always within something that retries.
fn stacked(
    database: &str,
    mut store: Store,
    random: &mut fastrand::Rng,
    with_cache: bool,
) -> Store {
    let mut names = Vec::new();
    let mut fails = false;
    for _ in 0..random.usize(2..=6) {
        let (name, layered) = match random.usize(..8) {
            0 => ("timeout", store.layer(Timeout::new(Duration::from_mins(2)))),
            1 => ("retry", store.layer(Retry::new())),
            2 => ("limit", store.layer(ConcurrencyLimit::new(random.usize(1..5)))),
            3 => ("log", store.layer(Log::new())),
            4 => ("telemetry", store.layer(Telemetry::new())),
            5 => {
                let delays = Chaos::new(random.u64(..)).delays(0.1, Duration::from_micros(100));
                ("delays", store.layer(delays))
            }
            6 => {
                fails = true;
                ("faults", store.layer(faults()))
            }
            _ if with_cache => ("cached", store.layer(Cached::new().capacity(random.u64(1..100)))),
            _ => continue,
        };
        names.push(name);
        store = layered;
    }
    if fails {
        names.push("retry");
        store = store.layer(persistent_retry());
    }
    // Printed only where a behaviour fails.
    eprintln!("{database}: {}", names.join(" < "));
    store
}

fn draws() -> Mutex<fastrand::Rng> {
    let seed = std::env::var("STOREHOUSE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("STOREHOUSE_TEST_SEED={seed}");
    Mutex::new(fastrand::Rng::with_seed(seed))
}

/// A cache that nobody tells what others write is behind them for a while, as it says.
fn concerns_one_store(behaviour: &Behaviour) -> bool {
    !behaviour.needs.iter().any(|need| need.name == "multi_process")
}

#[test]
fn over_memory() {
    let draws = draws();
    let open =
        async |database: &str| stacked(database, memory().await, &mut draws.lock().unwrap(), true);
    hold(open, ends_soon);
}

#[test]
fn over_sqlite() {
    let (draws, folder) = (draws(), tempfile::tempdir().expect("a folder to work in"));
    let file = |database: &str| -> PathBuf { folder.path().join(database).with_extension("db") };
    let open = async |database: &str| {
        let url = format!("sqlite://{}", file(database).display());
        let store = storehouse::open(&url).await.expect("the file opens");
        stacked(database, store, &mut draws.lock().unwrap(), true)
    };
    hold(open, |behaviour| ends_soon(behaviour) && concerns_one_store(behaviour));
}

#[test]
fn over_postgres() {
    let draws = draws();
    let databases = tokio::sync::Mutex::new(std::collections::HashMap::<String, Database>::new());
    let open = async |database: &str| {
        let mut databases = databases.lock().await;
        if !databases.contains_key(database) {
            databases.insert(database.to_owned(), Database::create().await);
        }
        let url = databases[database].url().to_owned();
        drop(databases);
        let store = storehouse::open(&url).await.expect("the database opens");
        stacked(database, store, &mut draws.lock().unwrap(), false)
    };
    hold(open, ends_soon);
}
