//! Storehouse's SQLite backend.
//!
//! One thread writes, and commits together what callers ask for at the same time. Reads by key and
//! short queries run on the caller's own thread, since SQLite answers them sooner than another
//! thread could be woken; longer ones run on threads of their own. A file is kept in WAL mode, so
//! readers and the writer do not wait for each other.
//!
//! ```
//! use storehouse_runtime::StoreBuilder;
//! use storehouse_sqlite::SqliteConnector;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> storehouse_runtime::Result<()> {
//! let store = StoreBuilder::new().register(SqliteConnector).open("sqlite::memory:").await?;
//! assert_eq!(store.backend(), "sqlite");
//! # Ok(())
//! # }
//! ```

mod backend;
mod bind;
mod changes;
mod checkpoints;
mod connection;
mod connector;
mod ddl;
mod decode;
mod engine;
mod error;
mod functions;
mod group;
mod ids;
mod inline;
mod job;
mod job_queue;
mod json_paths;
mod lease;
mod lock;
mod migrate;
mod options;
mod patience;
mod put;
mod query;
mod raw;
mod read;
mod readers;
mod references;
mod shared;
mod storage;
mod table;
mod transaction;
mod write;
mod writer;

pub use self::{
    backend::SqliteBackend,
    connector::SqliteConnector,
    options::{SqliteOptions, Synchronous},
    storage::SqliteTabularStorage,
    transaction::SqliteTransaction,
};
