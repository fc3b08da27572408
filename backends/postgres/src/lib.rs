//! Storehouse's PostgreSQL backend.
//!
//! It holds connections of its own, since to take one from a pool for each operation, and to ask
//! it whether it is alive, costs more than the operation. Reads by key that are asked for at the
//! same time share one round trip, and so do single rows that are put; everything else has a
//! connection to itself while it runs.
//!
//! ```no_run
//! use storehouse_postgres::PostgresConnector;
//! use storehouse_runtime::StoreBuilder;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> storehouse_runtime::Result<()> {
//! let store =
//!     StoreBuilder::new().register(PostgresConnector).open("postgres://localhost/shop").await?;
//! assert_eq!(store.backend(), "postgres");
//! # Ok(())
//! # }
//! ```

mod backend;
mod bind;
mod changes;
mod coalesce;
mod connector;
mod copy;
mod ddl;
mod decode;
mod deferred;
mod engine;
mod error;
mod lanes;
mod migrate;
mod numeric;
mod options;
mod pool;
mod profile;
mod put;
mod raw;
mod read;
mod segments;
mod statistics;
mod storage;
mod table;
mod transaction;
mod types;
mod write;

pub use self::{
    backend::PostgresBackend,
    connector::PostgresConnector,
    options::{Isolation, PostgresOptions},
    profile::Profile,
    statistics::Statistics,
    storage::PostgresTabularStorage,
    transaction::{PostgresTransaction, TransactionConnection},
};
