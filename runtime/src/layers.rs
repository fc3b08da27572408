//! What can be put around a store or a handle: to watch it, to guard it, to make it faster.
//!
//! A [`Layer`] wraps the storage under a handle, and forwards to it what it does not change. Layers
//! compose in any order: the one added last is the outermost. What a layer remembers, such as a
//! cache or a count, lives in the layer, so that every handle that it was put around shares it.
//!
//! Most layers do the same around whichever operation: they implement [`Intercept`], which is one
//! method, and are layers by that. The others wrap storages by hand.
//!
//! ```
//! use std::time::Duration;
//! use storehouse::{layers::{Log, Retry, Timeout}, prelude::*};
//!
//! #[derive(Table, Clone, Debug, PartialEq)]
//! struct Note {
//!     #[table(key)]
//!     id: i64,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> storehouse::Result<()> {
//! let store = storehouse::open("sqlite::memory:")
//!     .await?
//!     .layer(Timeout::new(Duration::from_secs(2)))
//!     .layer(Retry::new())
//!     .layer(Log::new());
//! let notes = store.tabular::<Note>().await?;
//! notes.setup_database().await?;
//! notes.put(Note { id: 7 }).await?;
//! assert_eq!(notes.get(&7).await?, Some(Note { id: 7 }));
//! # Ok(())
//! # }
//! ```

#[cfg(all(feature = "cached", not(target_family = "wasm")))]
mod cached;
mod call;
mod chaos;
mod concurrency_limit;
#[cfg(feature = "encrypted")]
mod encrypted;
mod forward;
mod intercept;
mod layer;
mod log;
mod read_only;
mod retry;
mod stopwatch;
mod telemetry;
mod timeout;

#[cfg(all(feature = "cached", not(target_family = "wasm")))]
pub use self::cached::{CacheStatistics, Cached};
#[cfg(feature = "encrypted")]
pub use self::encrypted::{Encrypted, EncryptionKey};
pub(crate) use self::layer::Layers;
pub use self::{
    call::{Call, CallKind},
    chaos::Chaos,
    concurrency_limit::ConcurrencyLimit,
    intercept::{Intercept, Work},
    layer::{Layer, LayerScope},
    log::Log,
    read_only::ReadOnly,
    retry::Retry,
    telemetry::Telemetry,
    timeout::Timeout,
};
