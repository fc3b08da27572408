//! Key-value stores side by side: ours in memory and on SQLite, and those that programs would use instead.
//!
//! | system | what it is | group |
//! | --- | --- | --- |
//! | `storehouse-memory`, `storehouse-sqlite` | `Kv<String, Vec<u8>>` through the public handle | both |
//! | `dashmap` | a `DashMap<String, Vec<u8>>`, the value cloned on the way out | memory |
//! | `moka` | a sync `Cache<String, Vec<u8>>` without limits, the value cloned on the way out | memory |
//! | `rusqlite` | the narrowest table, cached statements, a connection for each thread that reads | file |
//! | `redb` | a table `&str` to `&[u8]`; commits are not synced | file |
//! | `fjall` | a keyspace as it comes; writes are not synced | file |
//!
//! `storehouse-folder` is a folder with a JSON file for each key, beside `read-and-parse`, which does the same to such
//! files by hand: the case that tells is `get_hit_json`.
//!
//! The last group is `Kv` in memory within each layer, to see what that adds, and the layer `Cached` around SQLite beside
//! `moka-with-limits`, which has the same capacity and time to live.
//!
//! SQLite is in WAL mode with `synchronous=NORMAL`, which syncs no commit either. There are 10,000 entries, keys of 13
//! bytes, values of 100 bytes, or a struct of three fields in the cases that end with `json`. `get_hot` reads 64 of them, so
//! that what layers add is not lost in waiting for memory.
//!
//! All are in one program and take turns, sample by sample: on a machine that others use too, what disturbs one disturbs
//! the others. `STOREHOUSE_BENCH_QUICK`, `STOREHOUSE_BENCH_DIR` and the arguments are those of the tabular benchmarks.

mod files;
mod folder;
mod layers;
mod maps;
mod ours;
mod run;
mod subject;

use std::sync::Arc;

use subject::{Result, Subject};

fn main() -> Result {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        tokio::spawn(async {
            let bench = run::Bench::from_env()?;
            let memory: Vec<Arc<dyn Subject>> = vec![
                Arc::new(ours::Ours::open("storehouse-memory", "memory:").await?),
                Arc::new(maps::Moka::new()),
                Arc::new(maps::Dash::default()),
            ];
            bench.run("kv in memory", &memory).await?;
            let url = format!("sqlite:{}", bench.path("storehouse.db").display());
            let files: Vec<Arc<dyn Subject>> = vec![
                Arc::new(ours::Ours::open("storehouse-sqlite", &url).await?),
                Arc::new(files::Rusqlite::open(&bench.path("rusqlite.db"))?),
                Arc::new(files::Redb::open(&bench.path("redb.db"))?),
                Arc::new(files::Fjall::open(&bench.path("fjall"))?),
            ];
            bench.run("kv in a file", &files).await?;
            let path = bench.path("folder");
            let url = format!("fs:{}?durable=no", path.display());
            let store = storehouse::open(&url).await?;
            let folders: Vec<Arc<dyn Subject>> = vec![
                Arc::new(ours::Ours::within("storehouse-folder", store, &folder::CASES).await?),
                Arc::new(folder::Files::open(&bench.path("by-hand"))?),
            ];
            bench.run("kv in a folder", &folders).await?;
            bench.run("kv in layers", &layers::subjects(&bench).await?).await
        })
        .await?
    })
}
