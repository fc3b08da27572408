//! Opens `postgres:` URLs.

use std::sync::Arc;

use storehouse_runtime::{BoxFuture, Connector, DynBackend, Result};

use crate::{backend::PostgresBackend, options::PostgresOptions};

/// Opens `postgres:` and `postgresql:` URLs; see [`PostgresOptions::from_url`].
#[derive(Clone, Copy, Debug, Default)]
pub struct PostgresConnector;

impl Connector for PostgresConnector {
    fn schemes(&self) -> &'static [&'static str] {
        &["postgres", "postgresql"]
    }

    fn open<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Arc<dyn DynBackend>>> {
        Box::pin(async move {
            let backend = PostgresBackend::open(PostgresOptions::from_url(url)?).await?;
            Ok(Arc::new(backend) as Arc<dyn DynBackend>)
        })
    }
}
