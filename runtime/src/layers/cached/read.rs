//! Reading by key, through the cache: the same for tables and for key-value stores.

use std::{future::ready, ops::ControlFlow, sync::Arc};

use super::{
    follow::InUse,
    rows::{Kept, RowCache, Rows, hand_over},
};
use crate::{
    changes::ChangeFeed,
    column_type::ColumnType,
    error::Result,
    kv::DynKvStorage,
    layers::layer::LayerScope,
    maybe_send::{BoxFuture, MaybeSend, MaybeSync},
    storage::{DynTabularStorage, RowReceiver, RowSink},
    value::EncodedKey,
};

/// What is read from.
pub(super) trait Source: MaybeSend + MaybeSync + 'static {
    fn get(&self, key: EncodedKey, rows: RowSink) -> BoxFuture<'_, Result<RowSink>>;
    fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> BoxFuture<'_, Result<RowSink>>;
    /// Whether its changes are logged, so that they have to be followed.
    fn is_logged(&self) -> bool;
    fn change_feed(&self) -> Result<Arc<ChangeFeed>>;
    /// The types of the columns of what it hands over.
    fn types(&self) -> Arc<[ColumnType]>;
    /// The name of a column, for an error.
    fn name_of_column(&self, column: usize) -> String;
}

impl Source for dyn DynTabularStorage {
    fn get(&self, key: EncodedKey, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        DynTabularStorage::get(self, key, rows)
    }

    fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        DynTabularStorage::get_many(self, keys, rows)
    }

    fn is_logged(&self) -> bool {
        self.definition().changes && self.capabilities().changes
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        DynTabularStorage::change_feed(self)
    }

    fn types(&self) -> Arc<[ColumnType]> {
        self.definition().columns.iter().map(|column| column.column_type).collect()
    }

    fn name_of_column(&self, column: usize) -> String {
        let columns = &self.definition().columns;
        columns.get(column).map_or_else(|| "?".to_owned(), |column| column.name.to_string())
    }
}

impl Source for dyn DynKvStorage {
    fn get(&self, key: EncodedKey, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        DynKvStorage::get(self, key, rows)
    }

    fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        DynKvStorage::get_many(self, keys, rows)
    }

    fn is_logged(&self) -> bool {
        self.definition().table().changes && self.capabilities().changes
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        DynKvStorage::change_feed(self)
    }

    fn types(&self) -> Arc<[ColumnType]> {
        let definition = self.definition();
        [definition.key_type(), definition.value_type(), ColumnType::DateTime].into()
    }

    fn name_of_column(&self, column: usize) -> String {
        (*["key", "value", "expires_at"].get(column).unwrap_or(&"?")).to_owned()
    }
}

/// A cache, and what it is in front of.
pub(super) struct Reads<S: ?Sized> {
    pub(super) inner: Arc<S>,
    pub(super) cache: Arc<RowCache>,
    pub(super) scope: LayerScope,
    _in_use: Arc<InUse>,
    types: Arc<[ColumnType]>,
    /// Whether what is kept holds only while the changes of the source are followed.
    is_logged: bool,
}

impl<S: Source + ?Sized> Reads<S> {
    pub(super) fn new(inner: Arc<S>, cache: Arc<RowCache>, scope: LayerScope) -> Self {
        let (types, in_use, is_logged) = (inner.types(), cache.in_use(), inner.is_logged());
        Self { inner, cache, scope, _in_use: in_use, types, is_logged }
    }

    /// Whether what is read now may be kept.
    async fn may_keep(&self) -> bool {
        !self.is_logged || self.cache.follow(|| self.inner.change_feed()).await
    }

    /// What is kept of a key, if it is known that it still holds.
    fn find(&self, key: &EncodedKey) -> Option<Kept> {
        if self.is_logged && !self.cache.following.is_on() {
            return None;
        }
        self.cache.find(key)
    }

    fn hand_over(
        &self,
        position: usize,
        row: &Kept,
        rows: &mut dyn RowReceiver,
    ) -> Result<ControlFlow<()>> {
        hand_over(position, row, rows, |column| self.inner.name_of_column(column))
    }

    /// Reads a key: from what is kept, or from the source, and keeps that. A transaction reads what it
    /// sees itself.
    pub(super) fn get(&self, key: EncodedKey, mut rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        if self.scope.in_transaction() {
            return self.inner.get(key, rows);
        }
        if let Some(row) = self.find(&key) {
            self.cache.counters.hit();
            let handed = self.hand_over(0, &row, &mut *rows);
            return Box::pin(ready(handed.map(|_| rows)));
        }
        Box::pin(async {
            if self.may_keep().await {
                self.load(key, rows).await
            } else {
                self.inner.get(key, rows).await
            }
        })
    }

    /// As [`Reads::get`], for keys.
    pub(super) fn get_many(
        &self,
        keys: Vec<EncodedKey>,
        rows: RowSink,
    ) -> BoxFuture<'_, Result<RowSink>> {
        if self.scope.in_transaction() {
            return self.inner.get_many(keys, rows);
        }
        Box::pin(async {
            if self.may_keep().await {
                self.load_many(keys, rows).await
            } else {
                self.inner.get_many(keys, rows).await
            }
        })
    }

    /// Answers from what is kept, without a future; `false` where it is not kept. Not for
    /// transactions.
    pub(super) fn get_at_once(&self, key: &EncodedKey, rows: &mut dyn RowReceiver) -> Result<bool> {
        let Some(row) = self.find(key) else { return Ok(false) };
        self.cache.counters.hit();
        let _ = self.hand_over(0, &row, rows)?;
        Ok(true)
    }

    /// Reads a key, and keeps what is found.
    async fn load(&self, key: EncodedKey, mut rows: RowSink) -> Result<RowSink> {
        let (inner, own_key) = (Arc::clone(&self.inner), key.clone());
        let sink = Rows::sink(&self.types, 1);
        let read = || -> BoxFuture<'static, Result<Kept>> {
            Box::pin(async move {
                let read = Rows::take(inner.get(own_key, sink).await?)?;
                Ok(read.into_iter().next().flatten())
            })
        };
        let row = self.cache.load(&key, read).await?;
        let _ = self.hand_over(0, &row, &mut *rows)?;
        Ok(rows)
    }

    /// Reads the keys that are not kept, all at once, and hands over all of them.
    async fn load_many(&self, keys: Vec<EncodedKey>, mut rows: RowSink) -> Result<RowSink> {
        let kept: Vec<Option<Kept>> = keys.iter().map(|key| self.find(key)).collect();
        let missing = keys.into_iter().zip(&kept).filter(|(_, kept)| kept.is_none());
        let missing: Vec<EncodedKey> = missing.map(|(key, _)| key).collect();
        kept.iter().flatten().for_each(|_| self.cache.counters.hit());
        let mut read = Vec::new();
        if !missing.is_empty() {
            self.cache.counters.miss(missing.len());
            let loads = self.cache.begin(&missing);
            let sink = Rows::sink(&self.types, missing.len());
            read = Rows::take(self.inner.get_many(missing, sink).await?)?;
            loads.keep(read.iter().cloned());
        }
        let mut read = read.into_iter();
        for (position, kept) in kept.into_iter().enumerate() {
            let row = kept.unwrap_or_else(|| read.next().flatten());
            if self.hand_over(position, &row, &mut *rows)?.is_break() {
                break;
            }
        }
        Ok(rows)
    }
}
