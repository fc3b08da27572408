//! Opening a store with the backends that are compiled in.

use std::future::Future;

use storehouse_runtime::{MaybeSend, Result, Store, StoreBuilder, memory::MemoryConnector};

/// Opens the database that `url` names: `memory:`, or `memory://name` for one that the process shares;
/// `sqlite:shop.db` with the feature `sqlite`;
/// `postgres://user:password@host/shop` with the feature `postgres`; `fs:folder` with the feature
/// `filesystem`.
///
/// Fails with [`Error::Validation`](crate::Error::Validation) when no backend that is compiled in
/// opens such URLs; the message lists those that are.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("memory:").await?;
/// assert_eq!(store.backend(), "memory");
/// # Ok(())
/// # }
/// ```
pub async fn open(url: &str) -> Result<Store> {
    Store::open(url).await
}

/// Gives [`Store`] its `open` and `builder`, which know every backend that is compiled in.
///
/// The prelude brings it in.
///
/// ```
/// use storehouse::{OpenStore, Store, SystemClock};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = Store::builder().clock(SystemClock).open("memory:").await?;
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
pub trait OpenStore {
    /// Opens the database that `url` names; see [`open`].
    fn open(url: &str) -> impl Future<Output = Result<Store>> + MaybeSend;

    /// A builder that has every backend that is compiled in, and takes more.
    fn builder() -> StoreBuilder;
}

impl OpenStore for Store {
    fn open(url: &str) -> impl Future<Output = Result<Store>> + MaybeSend {
        Self::builder().open(url)
    }

    fn builder() -> StoreBuilder {
        let builder = StoreBuilder::new().register(MemoryConnector);
        #[cfg(all(feature = "filesystem", not(target_family = "wasm")))]
        let builder = builder.register(storehouse_filesystem::FolderConnector);
        #[cfg(all(feature = "postgres", not(target_family = "wasm")))]
        let builder = builder.register(storehouse_postgres::PostgresConnector);
        #[cfg(all(feature = "sqlite", not(target_family = "wasm")))]
        let builder = builder.register(storehouse_sqlite::SqliteConnector);
        builder
    }
}
