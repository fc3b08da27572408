//! Migrations where the suite does not reach: files that sqlx runs, processes that are killed,
//! tables as they were made long ago, and tables that nobody thought of.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash;
mod files;
mod layouts;
mod property;

use std::path::Path;

use storehouse::{OpenStore as _, Store};

/// Opens the SQLite file of that name.
async fn sqlite(folder: &Path) -> Store {
    Store::open(&format!("sqlite://{}", folder.join("migrations.db").display())).await.unwrap()
}
