//! What the benchmarks of changes have in common: the rows, the cases, the processes and the clock.
//!
//! `cargo xtask bench changes` runs one program per group of systems (ours and its peers).
//!
//! | case | what is timed |
//! | --- | --- |
//! | `delivery_p50`, `delivery_p99` | from the call that writes a row to its change in the hands of a follower in the same process: the write is included |
//! | `delivery_across_p50`, `delivery_across_p99` | the same, with the writer in another process |
//! | `put` | an upsert in a commit of its own, one after another |
//! | `put_16` | the same by 16 tasks at once, per upsert |
//! | `catch_up` | a follower that begins 100,000 changes late, per change |

mod delivery;
mod writes;

use std::io::Write as _;

pub use delivery::{Deliveries, Pace, expect, is_writer, start_writer};
pub use writes::{Variant, compare, variant};

/// What a program ends with.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Rows of the table that is written to, with keys from 0 on.
pub const ROWS: i64 = 10_000;

/// Changes that a follower is late in `catch_up`.
pub const LATE: i64 = 100_000;

/// Tasks that write at once.
pub const TASKS: usize = 16;

/// A row: about what a small table has in it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The key.
    pub id: i64,
    /// Some text.
    pub name: String,
    /// When it was handed over to be written, in nanoseconds since 1970.
    pub at: i64,
    /// A number.
    pub price: f64,
}

impl Row {
    /// The row with a key, to be written now.
    pub fn now(id: i64) -> Self {
        Self { id, name: format!("product number {id}"), at: now(), price: id as f64 * 0.25 }
    }
}

/// Nanoseconds since 1970, by a clock that all processes share.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as i64)
}

/// Whether only to show that everything runs.
pub fn is_quick() -> bool {
    std::env::var_os("STOREHOUSE_BENCH_QUICK").is_some_and(|value| value == "1")
}

/// Prints a result.
pub fn report(group: &str, case: &str, system: &str, nanoseconds: f64) -> Result {
    eprintln!("{group:<10} {case:<22} {system:<34} {nanoseconds:>14.1} ns");
    let line = format!(
        r#"{{"group":"{group}","case":"{case}","system":"{system}","median_ns":{nanoseconds:.1}}}"#
    );
    Ok(std::io::stdout().lock().write_all((line + "\n").as_bytes())?)
}

/// Runs a program in a task of a multi-threaded Tokio runtime with 2 workers, as a service does its work.
pub fn in_runtime<F>(program: F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async { tokio::spawn(program).await? })
}
