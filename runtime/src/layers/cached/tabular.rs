//! A table with a cache in front of it.

use std::sync::Arc;

use super::{SharedCaches, read::Reads, rows::RowCache, writing::Writing};
use crate::{
    aggregate::Aggregation,
    capabilities::Capabilities,
    changes::ChangeFeed,
    definition::TableDef,
    endpoint::Endpoint,
    error::Result,
    filter::FilterTree,
    layers::layer::LayerScope,
    maybe_send::{BoxFuture, MaybeSend},
    patch::Assignment,
    selection::Selection,
    storage::{DynTabularStorage, RowSink, Statement, WriteMode},
    value::{EncodedKey, EncodedRow, Value},
};

pub(super) struct CachedTabular {
    reads: Reads<dyn DynTabularStorage>,
    shared: Arc<SharedCaches>,
}

/// What a write may change.
enum Touched {
    Keys(Vec<EncodedKey>),
    Everything,
}

impl CachedTabular {
    pub(super) fn new(
        inner: Arc<dyn DynTabularStorage>,
        cache: Arc<RowCache>,
        shared: Arc<SharedCaches>,
        scope: LayerScope,
    ) -> Self {
        let definition = inner.definition();
        cache.set_references(|| {
            let references = definition.references.iter();
            references
                .map(|reference| reference.target(definition).full_name().into_owned())
                .collect()
        });
        Self { reads: Reads::new(inner, cache, scope), shared }
    }

    fn inner(&self) -> &Arc<dyn DynTabularStorage> {
        &self.reads.inner
    }

    /// The keys of rows that are about to be written.
    fn touched_by(&self, rows: &[EncodedRow]) -> Touched {
        let definition = self.inner().definition();
        let keys: Vec<_> = rows.iter().map(|row| row.key(&definition.key)).collect();
        // One that is generated is not known yet.
        if keys.iter().any(|key| key.values().iter().any(Value::is_null)) {
            Touched::Everything
        } else {
            Touched::Keys(keys)
        }
    }

    /// Forgets what a write may change, once it is done.
    fn writing<R: MaybeSend + 'static>(
        &self,
        touched: Touched,
        cascades: bool,
        found: impl FnOnce(&R) -> Vec<EncodedKey> + Send + 'static,
        work: impl Future<Output = Result<R>> + MaybeSend + 'static,
    ) -> BoxFuture<'_, Result<R>> {
        let (cache, shared, engine) =
            (Arc::clone(&self.reads.cache), Arc::clone(&self.shared), self.reads.scope.engine());
        let table = cascades.then(|| self.inner().definition().full_name().into_owned());
        let forget = move |result: Option<&Result<R>>| {
            let keys = match (touched, result) {
                // Nothing is said of the rows of a write that failed.
                (Touched::Everything, Some(Ok(done))) => match found(done) {
                    keys if keys.is_empty() => None,
                    keys => Some(keys),
                },
                (Touched::Everything, _) => None,
                (Touched::Keys(keys), _) => Some(keys),
            };
            match keys {
                Some(keys) => keys.iter().for_each(|key| cache.forget(key)),
                None => cache.clear(),
            }
            if let (Some(table), Some(engine)) = (table, engine) {
                shared.clear_referring(engine, &table);
            }
        };
        if self.reads.scope.in_transaction() {
            // Whatever becomes of it, nobody else sees anything of it before the end.
            self.reads.scope.after_transaction(move || forget(None));
            return Box::pin(work);
        }
        Box::pin(Writing::new(work, forget))
    }
}

fn nothing<R>(_: &R) -> Vec<EncodedKey> {
    Vec::new()
}

impl DynTabularStorage for CachedTabular {
    fn definition(&self) -> &Arc<TableDef> {
        self.inner().definition()
    }

    fn backend(&self) -> &'static str {
        self.inner().backend()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner().capabilities()
    }

    fn endpoint(&self) -> Endpoint {
        self.inner().endpoint()
    }

    fn to_sql(&self, selection: &Selection) -> Result<Statement> {
        self.inner().to_sql(selection)
    }

    fn aggregate_to_sql(&self, aggregation: &Aggregation) -> Result<Statement> {
        self.inner().aggregate_to_sql(aggregation)
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        self.inner().change_feed()
    }

    fn setup_database(&self) -> BoxFuture<'_, Result<()>> {
        self.inner().setup_database()
    }

    fn get(&self, key: EncodedKey, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        self.reads.get(key, rows)
    }

    fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        self.reads.get_many(keys, rows)
    }

    fn select(&self, selection: Selection, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        self.inner().select(selection, rows)
    }

    fn aggregate(&self, aggregation: Aggregation, rows: RowSink) -> BoxFuture<'_, Result<RowSink>> {
        self.inner().aggregate(aggregation, rows)
    }

    fn count(&self, filter: FilterTree) -> BoxFuture<'_, Result<u64>> {
        self.inner().count(filter)
    }

    fn write(
        &self,
        rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> BoxFuture<'_, Result<Vec<Option<EncodedRow>>>> {
        let touched = self.touched_by(&rows);
        let definition = Arc::clone(self.inner().definition());
        let found = move |stored: &Vec<Option<EncodedRow>>| {
            stored.iter().flatten().map(|row| row.key(&definition.key)).collect()
        };
        let inner = Arc::clone(self.inner());
        self.writing(touched, false, found, async move { inner.write(rows, mode).await })
    }

    fn upsert(
        &self,
        row: EncodedRow,
        unique: Vec<usize>,
        assignments: Vec<Assignment>,
    ) -> BoxFuture<'_, Result<EncodedRow>> {
        let definition = Arc::clone(self.inner().definition());
        let found = move |stored: &EncodedRow| vec![stored.key(&definition.key)];
        let inner = Arc::clone(self.inner());
        // Which row it changes is not known before.
        self.writing(Touched::Everything, false, found, async move {
            inner.upsert(row, unique, assignments).await
        })
    }

    fn update(
        &self,
        key: EncodedKey,
        condition: FilterTree,
        assignments: Vec<Assignment>,
    ) -> BoxFuture<'_, Result<Option<EncodedRow>>> {
        let (inner, touched) = (Arc::clone(self.inner()), Touched::Keys(vec![key.clone()]));
        self.writing(touched, false, nothing, async move {
            inner.update(key, condition, assignments).await
        })
    }

    fn update_where(
        &self,
        filter: FilterTree,
        assignments: Vec<Assignment>,
    ) -> BoxFuture<'_, Result<u64>> {
        let inner = Arc::clone(self.inner());
        self.writing(Touched::Everything, false, nothing, async move {
            inner.update_where(filter, assignments).await
        })
    }

    fn delete(&self, key: EncodedKey, condition: FilterTree) -> BoxFuture<'_, Result<bool>> {
        let (inner, touched) = (Arc::clone(self.inner()), Touched::Keys(vec![key.clone()]));
        self.writing(touched, true, nothing, async move { inner.delete(key, condition).await })
    }

    fn delete_search(&self, filter: FilterTree) -> BoxFuture<'_, Result<u64>> {
        let inner = Arc::clone(self.inner());
        let work = async move { inner.delete_search(filter).await };
        self.writing(Touched::Everything, true, nothing, work)
    }

    fn delete_all(&self) -> BoxFuture<'_, Result<()>> {
        let inner = Arc::clone(self.inner());
        self.writing(Touched::Everything, true, nothing, async move { inner.delete_all().await })
    }

    fn remove_change_log(&self) -> BoxFuture<'_, Result<()>> {
        self.inner().remove_change_log()
    }

    fn explain(&self, selection: Selection) -> BoxFuture<'_, Result<String>> {
        self.inner().explain(selection)
    }
}
