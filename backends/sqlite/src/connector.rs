//! Opens `sqlite:` URLs.

use std::sync::Arc;

use storehouse_runtime::{BoxFuture, Connector, DynBackend, Result};

use crate::{backend::SqliteBackend, options::SqliteOptions};

/// Opens `sqlite:` URLs; see [`SqliteOptions::from_url`] for how they are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct SqliteConnector;

impl Connector for SqliteConnector {
    fn schemes(&self) -> &'static [&'static str] {
        &["sqlite"]
    }

    fn open<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Arc<dyn DynBackend>>> {
        Box::pin(async move {
            let backend = SqliteBackend::open(SqliteOptions::from_url(url)?).await?;
            Ok(Arc::new(backend) as Arc<dyn DynBackend>)
        })
    }
}
