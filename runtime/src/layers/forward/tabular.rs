//! Tables, through an interceptor.

use std::sync::Arc;

use super::intercepted;
use crate::{
    aggregate::Aggregation,
    capabilities::Capabilities,
    changes::ChangeFeed,
    definition::TableDef,
    endpoint::Endpoint,
    error::Result,
    filter::FilterTree,
    layers::{
        call::{Operation, Place},
        intercept::{Intercept, calling, reading},
        layer::LayerScope,
    },
    maybe_send::BoxFuture,
    patch::Assignment,
    selection::Selection,
    storage::{DynTabularStorage, RowSink, Statement, WriteMode},
    value::{EncodedKey, EncodedRow},
};

pub(super) struct InterceptedTabular<I> {
    interceptor: I,
    inner: Arc<dyn DynTabularStorage>,
    place: Place,
}

impl<I> InterceptedTabular<I> {
    pub(super) fn new(
        interceptor: I,
        inner: Arc<dyn DynTabularStorage>,
        scope: &LayerScope,
    ) -> Self {
        let place = Place {
            target: inner.definition().full_name().into_owned(),
            backend: inner.backend(),
            endpoint: inner.endpoint(),
            in_transaction: scope.in_transaction(),
            engine: scope.engine(),
        };
        Self { interceptor, inner, place }
    }

    /// A put of rows that have their keys does the same again, unless it changes columns by itself.
    fn write_operation(&self, rows: &[EncodedRow], mode: WriteMode) -> Operation {
        let definition = self.inner.definition();
        let generates = definition
            .auto_integer()
            .is_some_and(|auto| rows.iter().any(|row| row.0[auto].is_null()));
        let is_repeatable =
            mode == WriteMode::Put && !generates && !definition.managed.changes_puts();
        Operation::of_mode(mode).of(rows.len()).repeatable(is_repeatable)
    }
}

intercepted! {
    DynTabularStorage for InterceptedTabular {
        fn capabilities(&self) -> Capabilities {
            self.interceptor.capabilities(self.inner.capabilities())
        }
    }
    forward {
        fn definition(&self) -> &Arc<TableDef>;
        fn backend(&self) -> &'static str;
        fn endpoint(&self) -> Endpoint;
        fn to_sql(&self, selection: &Selection) -> Result<Statement>;
        fn aggregate_to_sql(&self, aggregation: &Aggregation) -> Result<Statement>;
        fn change_feed(&self) -> Result<Arc<ChangeFeed>>;
    }
    calls {
        async fn setup_database(&self) -> Result<()> = Operation::set_up("setup_database");
        async fn count(&self, filter: FilterTree) -> Result<u64> = Operation::read("count");
        async fn write(&self, rows: Vec<EncodedRow>, mode: WriteMode) -> Result<Vec<Option<EncodedRow>>>
            = self.write_operation(&rows, mode);
        async fn upsert(&self, row: EncodedRow, unique: Vec<usize>, assignments: Vec<Assignment>) -> Result<EncodedRow>
            = Operation::write("upsert").of(1);
        async fn update(&self, key: EncodedKey, condition: FilterTree, assignments: Vec<Assignment>) -> Result<Option<EncodedRow>>
            = Operation::write("update").of(1);
        async fn update_where(&self, filter: FilterTree, assignments: Vec<Assignment>) -> Result<u64>
            = Operation::write("update_where");
        async fn delete(&self, key: EncodedKey, condition: FilterTree) -> Result<bool>
            = Operation::write("delete").of(1);
        async fn delete_search(&self, filter: FilterTree) -> Result<u64> = Operation::write("delete_search");
        async fn delete_all(&self) -> Result<()> = Operation::write("delete_all").repeatable(true);
        async fn remove_change_log(&self) -> Result<()> = Operation::set_up("remove_change_log");
        async fn explain(&self, selection: Selection) -> Result<String> = Operation::read("explain");
    }
    rows {
        async fn get(&self, key: EncodedKey) = Operation::read("get").of(1);
        async fn get_many(&self, keys: Vec<EncodedKey>) = Operation::read("get_many").of(keys.len());
        async fn select(&self, selection: Selection) = Operation::read("query");
        async fn aggregate(&self, aggregation: Aggregation) = Operation::read("aggregate");
    }
}
