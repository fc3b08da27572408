//! The changes of a store whose values are sealed, with the values opened.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::Keys;
use crate::{
    changes::{ChangeFeed, ChangeLog, LogBatch, LogPosition},
    definition::TableDef,
    error::{Error, Result},
    kv::KvDef,
    value::{EncodedKey, EncodedRow, Value},
};

/// The columns of a row of a store's table.
const KEY: usize = 0;
const VALUE: usize = 1;

/// The log of the store inside, opened.
pub(super) struct OpenedLog {
    sealed: Arc<ChangeFeed>,
    definition: Arc<KvDef>,
    keys: Arc<Keys>,
}

impl OpenedLog {
    pub(super) const fn new(
        sealed: Arc<ChangeFeed>,
        definition: Arc<KvDef>,
        keys: Arc<Keys>,
    ) -> Self {
        Self { sealed, definition, keys }
    }

    fn open(&self, row: &mut EncodedRow) -> Result<()> {
        let (name, value_type) = (self.definition.name(), self.definition.value_type());
        let key = EncodedKey::single(row.0[KEY].clone());
        let opened = match &row.0[VALUE] {
            Value::Bytes(sealed) => self.keys.open(name, &key, value_type, sealed),
            _ => Err("what is stored is not encrypted".to_owned()),
        };
        row.0[VALUE] = opened.map_err(|message| Error::decode("value", message))?;
        Ok(())
    }
}

impl ChangeLog for OpenedLog {
    fn definition(&self) -> &Arc<TableDef> {
        self.definition.table()
    }

    async fn now(&self) -> Result<LogPosition> {
        self.sealed.log().now().await
    }

    async fn snapshot(&self) -> Result<(Vec<EncodedRow>, LogPosition)> {
        let (mut rows, position) = self.sealed.log().snapshot().await?;
        rows.iter_mut().try_for_each(|row| self.open(row))?;
        Ok((rows, position))
    }

    async fn read(
        &self,
        after: LogPosition,
        until: Option<LogPosition>,
        limit: usize,
    ) -> Result<LogBatch> {
        let mut batch = self.sealed.log().read(after, until, limit).await?;
        for change in &mut batch.changes {
            change.old.iter_mut().chain(&mut change.new).try_for_each(|row| self.open(row))?;
        }
        Ok(batch)
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.sealed.log().wake()
    }

    fn poll_interval(&self) -> Duration {
        self.sealed.log().poll_interval()
    }
}
