//! What a `get` of a key-value store in a folder costs, beside reading and parsing the same file by
//! hand: `cargo run --release -p storehouse-filesystem --example kv_get`.
#![allow(clippy::print_stdout, reason = "a program prints")]

use std::{hint::black_box, time::Instant};

use serde::{Deserialize, Serialize};
use storehouse::kv::Kv;

#[derive(Serialize, Deserialize, Clone, Debug)]
struct Setting {
    title: String,
    widths: Vec<u32>,
    visible: bool,
}

/// The file as a program would read it by hand.
#[derive(Deserialize)]
struct Entry {
    value: Setting,
}

const KEYS: usize = 500;
const ROUNDS: usize = 41;

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = storehouse::open(&format!("fs:{}", folder.path().display())).await?;
    let settings: Kv<String, Setting> = store.kv("settings").await?;
    settings.setup_database().await?;
    let keys: Vec<String> = (0..KEYS).map(|number| format!("setting {number}")).collect();
    let entries = keys.iter().map(|key| {
        let widths = (0..20).collect();
        (key.clone(), Setting { title: key.repeat(4), widths, visible: true })
    });
    settings.put_bulk(entries).await?;
    let path = |key: &str| folder.path().join("settings").join(format!("{key}.json"));

    // One after the other, so that what else the machine does meets both.
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for key in &keys {
            black_box(settings.get(key.as_str()).await?);
        }
        ours.push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        for key in &keys {
            let entry: Entry = serde_json::from_slice(&std::fs::read(path(key))?)?;
            black_box(entry.value);
        }
        by_hand.push(begun.elapsed().as_secs_f64());
    }
    let micros = |seconds: f64| seconds * 1e6 / 500.0;
    let (ours, by_hand) = (median(ours), median(by_hand));
    println!("get: {:.2} us; read and parse: {:.2} us", micros(ours), micros(by_hand));
    println!("ratio: {:.2}", ours / by_hand);
    Ok(())
}
