//! Hand-written rusqlite and hand-written sqlx.
//!
//! | system | what it is |
//! | --- | --- |
//! | `rusqlite` | cached prepared statements; in the concurrent cases `spawn_blocking` over shared connections |
//! | `rusqlite-inline` | concurrent reads only: each task reads on its own worker thread, without `spawn_blocking` |
//! | `rusqlite-values` | bulk writes only: a cached statement with 100 rows of values |
//! | `sqlx-pool` | a pool, as programs have one |
//! | `sqlx-connection` | point reads only: one connection, without a pool |

mod with_rusqlite;
mod with_sqlx;

use tabular_common::{Bench, Result, in_runtime};

fn main() -> Result {
    eprintln!("SQLite {}", rusqlite::version());
    in_runtime(async {
        let bench = Bench::from_env("sqlite")?;
        with_rusqlite::run(&bench).await?;
        with_sqlx::run(&bench).await
    })
}
