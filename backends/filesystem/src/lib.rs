//! Storehouse's folder backend: one readable file for each row or key, safe in a crash, shared by
//! processes, and pleasant to keep in version control.
//!
//! Each table is a folder with a JSON file for each row. The rows are mirrored in memory, which
//! answers every read; the mirror is brought up to date before each, so that what other processes,
//! an editor or `git checkout` changed is seen. A write is on the disk when it is done, and one of
//! several rows is there whole or not at all, whenever the process or the machine ends.
//!
//! ```
//! use storehouse_runtime::StoreBuilder;
//! use storehouse_filesystem::FolderConnector;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> storehouse_runtime::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! let url = format!("fs:{}", folder.path().display());
//! let store = StoreBuilder::new().register(FolderConnector).open(&url).await?;
//! assert_eq!(store.backend(), "filesystem");
//! # Ok(())
//! # }
//! ```

mod backend;
mod changes;
mod codec;
mod definition;
mod error;
mod folder;
mod kv;
pub mod names;
mod options;
mod storage;
mod table;
mod watch;
mod worker;

use storehouse_runtime::Capabilities;

pub use self::{
    backend::{FolderBackend, FolderConnector},
    kv::{FolderJsonKvStorage, FolderKvStorage},
    options::{FolderOptions, Noticing},
    storage::FolderTabularStorage,
};

const NAME: &str = "filesystem";

const CAPABILITIES: Capabilities = {
    let mut capabilities = Capabilities::NONE;
    capabilities.writable = true;
    capabilities.persistent = true;
    capabilities.multi_process = true;
    capabilities.changes = true;
    capabilities
};

/// Those of raw files, which have no log of changes.
const RAW_CAPABILITIES: Capabilities = {
    let mut capabilities = CAPABILITIES;
    capabilities.changes = false;
    capabilities
};
