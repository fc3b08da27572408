//! Storehouse on a SQLite file, in WAL mode with `synchronous=NORMAL`, as it opens one.

use changes_common::{Result, in_runtime, is_writer};

fn main() -> Result {
    in_runtime(async {
        if let Some(url) = is_writer() {
            return changes_ours::write_in(&url).await;
        }
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite:{}", folder.path().join("changes.db").display());
        changes_ours::run("sqlite", &url).await
    })
}
