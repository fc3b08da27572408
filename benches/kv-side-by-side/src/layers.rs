//! What layers cost.

use std::{sync::Arc, time::Duration};

use storehouse::{
    Store,
    layers::{
        Cached, Chaos, ConcurrencyLimit, Encrypted, EncryptionKey, Log, Retry, Telemetry, Timeout,
    },
};

use crate::{
    maps::{CAPACITY, Moka, TIME_TO_LIVE},
    ours::Ours,
    run::Bench,
    subject::{Case, Result, Subject},
};

const CASES: &[Case] = &[Case::GetHit, Case::GetHot, Case::Put];
/// A write that is cached is a write of SQLite, which is measured elsewhere.
const READS: &[Case] = &[Case::GetHit, Case::GetHot, Case::GetMiss, Case::Concurrent];

pub async fn subjects(bench: &Bench) -> Result<Vec<Arc<dyn Subject>>> {
    let key = EncryptionKey::from_bytes(&[7; 32]);
    let around: [(&str, fn(Store, EncryptionKey) -> Store); 8] = [
        ("none", |store, _| store),
        ("telemetry", |store, _| store.layer(Telemetry::new())),
        ("log", |store, _| store.layer(Log::new())),
        ("retry", |store, _| store.layer(Retry::new())),
        ("timeout", |store, _| store.layer(Timeout::new(Duration::from_secs(9)))),
        ("concurrency-limit", |store, _| store.layer(ConcurrencyLimit::new(64))),
        ("chaos", |store, _| store.layer(Chaos::new(1))),
        ("encrypted", |store, key| store.layer(Encrypted::new(key))),
    ];
    let mut subjects: Vec<Arc<dyn Subject>> = Vec::new();
    // Around the same entries, since where they lie in memory makes more of a difference than layers do.
    let plain = storehouse::open("memory:").await?;
    for (name, wrap) in around {
        let store = match name {
            "encrypted" => storehouse::open("memory:").await?,
            _ => plain.clone(),
        };
        let store = wrap(store, key.clone());
        subjects.push(Arc::new(Ours::within(name, store, CASES).await?));
    }
    let url = format!("sqlite:{}", bench.path("cached.db").display());
    let cached = Cached::new().capacity(CAPACITY).time_to_live(TIME_TO_LIVE);
    let store = storehouse::open(&url).await?.layer(cached);
    subjects.push(Arc::new(Ours::within("cached-sqlite", store, READS).await?.warmed()));
    subjects.push(Arc::new(Moka::with_limits(READS)));
    Ok(subjects)
}
