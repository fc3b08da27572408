//! A store over SQLite that answers from memory what it has read before, and prints a span for each
//! operation: what the program asked for, and what the database was asked.
//!
//! `cargo run --example cached --features cached`

#![allow(clippy::print_stdout, reason = "a program for people to run")]

use storehouse::{
    Result,
    layers::{CacheStatistics, Cached, Telemetry},
    prelude::*,
};
use tracing::{Instrument as _, info_span};
use tracing_subscriber::fmt::format::FmtSpan;

/// What is in the shop. The log of its changes lets the cache know what other programs write.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "products", changes)]
struct Product {
    #[table(key)]
    sku: String,
    price: f64,
}

/// Reads some products, again and again, and changes one of them.
pub async fn shop(url: &str) -> Result<CacheStatistics> {
    // The innermost span is what the database is asked; without the cache it would be all.
    let cached = Cached::new();
    let store = storehouse::open(url).await?.layer(Telemetry::new()).layer(cached.clone());
    let products = store.tabular::<Product>().await?;
    products.setup_database().await?;
    let rows = [("A1", 9.5), ("A2", 7.0)].map(|(sku, price)| Product { sku: sku.into(), price });
    products.put_bulk(rows).await?;

    for round in 1..=3 {
        let work = async {
            // The third is not there, which is remembered too.
            for sku in ["A1", "A2", "A3"] {
                products.get(sku).await?;
            }
            if round == 2 {
                products.put(Product { sku: "A1".into(), price: 8.0 }).await?;
            }
            Ok::<_, storehouse::Error>(())
        };
        work.instrument(info_span!("round", round)).await?;
    }
    Ok(cached.statistics())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().with_span_events(FmtSpan::CLOSE).with_target(false).init();
    let statistics = shop("sqlite::memory:").await?;
    println!(
        "{} of {} reads by key were answered from memory",
        statistics.hits,
        statistics.hits + statistics.misses
    );
    Ok(())
}
