//! Storehouse on PostgreSQL. No option is set.

use changes_common::{Result, in_runtime, is_writer};

fn main() -> Result {
    in_runtime(async {
        if let Some(url) = is_writer() {
            return changes_ours::write_in(&url).await;
        }
        let url = std::env::var("STOREHOUSE_BENCH_POSTGRES_URL")?;
        changes_ours::run("postgres", &url).await
    })
}
