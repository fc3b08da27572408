//! What the tabular benchmarks have in common: the rows, the cases and the clock.
//!
//! `cargo xtask bench tabular` runs one program per group of systems (ours and its peers). The programs are
//! workspaces of their own, since their SQLite bindings do not link into one binary, and this crate is what makes
//! their numbers comparable: the same [`Row`]s in the same table, the same random [`Draw`]s, the same [`Case`]s
//! and the same measurement by [`Bench`]. It knows no database.
//!
//! # A program
//!
//! ```no_run
//! use tabular_common::{Bench, Case, Draw, Result, Row, in_runtime};
//!
//! # struct Store; impl Store {
//! #     async fn open(_: std::path::PathBuf, _: Vec<Row>) -> Result<Self> { Ok(Self) }
//! #     async fn get(&self, _: i64) -> Result<Row> { Ok(Row::new(0, 0)) }
//! #     async fn put_bulk(&self, _: Vec<Row>) -> Result { Ok(()) }
//! # }
//! fn main() -> Result {
//!     in_runtime(async {
//!         let bench = Bench::from_env("sqlite")?;
//!         let store = Store::open(bench.path("small.db"), Row::first(Row::SMALL)).await?;
//!         let store = &store;
//!
//!         // `work` gets the inputs of many operations and performs them one after the other.
//!         bench.run(Case::PointRead, "mine", Draw::key, |keys| async move {
//!             for key in keys {
//!                 std::hint::black_box(store.get(key).await?);
//!             }
//!             Ok(())
//!         }).await?;
//!
//!         bench.run(Case::PutBulk(100), "mine", |draw| draw.rows(100), |batches| async move {
//!             for batch in batches {
//!                 store.put_bulk(batch).await?;
//!             }
//!             Ok(())
//!         }).await
//!     })
//! }
//! ```
//!
//! # What it prints
//!
//! One JSON object a line on stdout, and progress on stderr:
//! ```text
//! {"group":"sqlite","case":"point_read","system":"rusqlite","median_ns":4100.0}
//! ```
//!
//! # How it is told what to do
//!
//! | what | meaning |
//! | --- | --- |
//! | arguments | names of cases; only these run (default: all) |
//! | `STOREHOUSE_BENCH_QUICK=1` | few and short samples: shows that it works, not how fast it is |
//! | `STOREHOUSE_BENCH_ROUNDS=n` | that the program is run `n` times, so that fewer samples a time will do |
//! | `STOREHOUSE_BENCH_DIR` | where the databases are made, on a real disk (default: the system's temporary folder) |

mod bench;
mod case;
mod row;
mod sampler;

pub use bench::{Bench, TASKS, WORKERS, in_runtime};
pub use case::Case;
pub use row::{Draw, Row};

/// SQL text that every peer runs as it stands, so that all work on the same table in the same modes.
pub mod sql;

/// What stops a benchmark: any error at all.
pub type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
