//! The main job, end to end: a table derived from a struct, real data, typed queries.
//!
//! `cargo run --example quickstart` runs it on an embedded SQLite file;
//! `cargo run --example quickstart -- --store memory:` runs the same code in memory, and
//! `cargo run --features postgres --example quickstart -- --store postgres://localhost/shop` on
//! PostgreSQL.

mod earthquake;
mod tour;

use clap::Parser;

/// Imports a week of earthquakes and asks questions about them.
#[derive(Parser)]
struct Arguments {
    /// Where to store them, as a URL: `sqlite:path`, `memory:` or, with the feature `postgres`,
    /// `postgres://host/database`.
    #[arg(long, value_name = "URL", default_value = "sqlite:quickstart.db")]
    store: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    // The tour below knows nothing about the backend; the URL alone decides.
    let store = storehouse::open(&arguments.store).await?;
    eprintln!("opened {} ({})", arguments.store, store.backend());
    tour::run(&store, &mut std::io::stdout()).await
}
