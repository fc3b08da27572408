//! Reading through a handle: by key, by query, in pages.

use super::{
    Core, Query, Tabular,
    collect::{ByKey, One},
};
use crate::{
    error::Result,
    events::RawEvent,
    filter::Filter,
    maybe_send::{BoxFuture, BoxStream},
    table::Row,
    value::{EncodedKey, EncodedRow},
};

impl<T: Row, Scope> Tabular<T, Scope> {
    /// The rows that match; see [`Query`] for order, limits, pages and streams.
    pub fn query(&self, filter: Filter<T>) -> Query<'_, T> {
        Query::new(&self.core, "query", filter)
    }

    /// Every row, in the order of the key unless the query says otherwise.
    pub fn get_all(&self) -> Query<'_, T> {
        Query::new(&self.core, "get_all", Filter::all())
    }

    /// At most `limit` rows in the order of the key, without the first `offset`.
    ///
    /// Rows that others write meanwhile can shift such a page; [`Tabular::pages`] and
    /// [`Query::after`] do not have this weakness.
    pub async fn get_bulk(&self, offset: u64, limit: u64) -> Result<Vec<T>> {
        Query::new(&self.core, "get_bulk", Filter::all()).offset(offset).limit(limit).await
    }

    /// Every row, one by one, in the order of the key, fetched `page_size` at a time.
    ///
    /// A row that is there all the while is given exactly once, whatever others write. Fails
    /// with [`Error::Validation`](crate::Error::Validation) when `page_size` is 0.
    pub fn records(&self, page_size: usize) -> BoxStream<'_, Result<T>> {
        Query::new(&self.core, "records", Filter::all()).records(page_size)
    }

    /// Every row, in pages of `page_size`, in the order of the key; see [`Tabular::records`].
    pub fn pages(&self, page_size: usize) -> BoxStream<'_, Result<Vec<T>>> {
        Query::new(&self.core, "pages", Filter::all()).pages(page_size)
    }

    /// How many rows there are.
    pub async fn size(&self) -> Result<u64> {
        Query::<T>::new(&self.core, "size", Filter::all()).count().await
    }

    /// How many rows match.
    pub async fn count(&self, filter: Filter<T>) -> Result<u64> {
        Query::new(&self.core, "count", filter).count().await
    }

    /// Whether any row matches.
    pub async fn exists(&self, filter: Filter<T>) -> Result<bool> {
        Query::new(&self.core, "exists", filter).exists().await
    }
}

impl Core {
    pub(super) fn get<T: Row>(&self, key: EncodedKey) -> BoxFuture<'_, Result<Option<T>>> {
        Box::pin(self.run("get", async move {
            self.definition.check_key(&key)?;
            let listened_to = self.hub.is_listened_to().then(|| key.clone());
            let sink = self.storage.get(key, One::<T>::sink(&self.definition, self.hidden)).await?;
            let row = One::<T>::take(sink)?;
            if let Some(key) = listened_to {
                self.emit_get(key, row.as_ref());
            }
            Ok(row)
        }))
    }

    pub(super) fn get_many<T: Row>(
        &self,
        keys: Vec<EncodedKey>,
    ) -> BoxFuture<'_, Result<Vec<Option<T>>>> {
        Box::pin(self.run("get_many", async move {
            keys.iter().try_for_each(|key| self.definition.check_key(key))?;
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            let listened_to = self.hub.is_listened_to().then(|| keys.clone());
            let sink = ByKey::<T>::sink(&self.definition, self.hidden, keys.len());
            let rows = ByKey::<T>::take(self.storage.get_many(keys, sink).await?)?;
            for (key, row) in listened_to.into_iter().flatten().zip(&rows) {
                self.emit_get(key, row.as_ref());
            }
            Ok(rows)
        }))
    }

    fn emit_get<T: Row>(&self, key: EncodedKey, row: Option<&T>) {
        self.emit(|| {
            let row = match row {
                Some(row) => Some(self.encode_again(row)?),
                None => None,
            };
            Some(RawEvent::Get(key, row))
        });
    }

    /// A row's values once more, for a listener; `T` need not be `Clone`.
    fn encode_again<T: Row>(&self, row: &T) -> Option<EncodedRow> {
        let columns = 0..self.definition.columns.len();
        columns.map(|column| row.value(column)).collect::<Result<_, _>>().ok().map(EncodedRow)
    }
}
