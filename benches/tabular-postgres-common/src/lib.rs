//! What the tabular benchmarks on PostgreSQL have in common: the databases, the cases, and a network that is slow.
//!
//! A program is a [`System`] for each way of using the database, and one call of [`run`] or [`run_shared`] for each of
//! them. The rows, the random draws and the clock are those of [`tabular_common`], so that the programs for SQLite and
//! those for PostgreSQL measure the same.
//!
//! Before a system is measured, it is asked for rows that are known, and told to write some: a system that
//! gives another answer than the others stops the program. Afterwards the rows are counted.
//!
//! # The server
//!
//! `STOREHOUSE_BENCH_POSTGRES_URL` is the URL of a superuser of the server. `cargo xtask bench` starts one with the settings
//! that PostgreSQL comes with. Each system has a new database on it, with the table that Storehouse's
//! `setup_database` makes; it is loaded, vacuumed and written to disk before the clock starts.

mod check;
mod delay;
mod run;
mod server;
mod system;

pub use run::{run, run_shared};
pub use server::{Server, sql};
pub use system::System;
pub use tabular_common::{Case, Result, Row, in_runtime};

/// Connections of a pool: what sqlx and Storehouse have when nothing is said.
pub const POOL: usize = 10;
