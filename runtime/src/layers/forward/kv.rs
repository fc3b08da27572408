//! Key-value stores, through an interceptor.

use std::sync::Arc;

use super::intercepted;
use crate::{
    capabilities::Capabilities,
    changes::ChangeFeed,
    endpoint::Endpoint,
    error::Result,
    kv::{DynKvStorage, KvDef, KvEntry, KvScan},
    layers::{
        call::{Operation, Place},
        intercept::{Intercept, calling, reading},
        layer::LayerScope,
    },
    maybe_send::BoxFuture,
    storage::{RowReceiver, RowSink},
    value::{EncodedKey, Value},
};

pub(super) struct InterceptedKv<I> {
    interceptor: I,
    inner: Arc<dyn DynKvStorage>,
    place: Place,
}

impl<I> InterceptedKv<I> {
    pub(super) fn new(interceptor: I, inner: Arc<dyn DynKvStorage>, scope: &LayerScope) -> Self {
        let place = Place {
            target: inner.definition().name().to_owned(),
            backend: inner.backend(),
            endpoint: inner.endpoint(),
            in_transaction: scope.in_transaction(),
            engine: scope.engine(),
        };
        Self { interceptor, inner, place }
    }
}

intercepted! {
    DynKvStorage for InterceptedKv {
        fn capabilities(&self) -> Capabilities {
            self.interceptor.capabilities(self.inner.capabilities())
        }

        fn get_at_once(&self, key: &EncodedKey, rows: &mut dyn RowReceiver) -> Result<bool> {
            let call = self.place.call(Operation::read("get").of(1));
            // Whoever has something to do is asked for it with a future.
            if self.interceptor.is_idle(&call) {
                self.inner.get_at_once(key, rows)
            } else {
                Ok(false)
            }
        }
    }
    forward {
        fn definition(&self) -> &Arc<KvDef>;
        fn backend(&self) -> &'static str;
        fn endpoint(&self) -> Endpoint;
        fn change_feed(&self) -> Result<Arc<ChangeFeed>>;
    }
    calls {
        async fn setup_database(&self) -> Result<()> = Operation::set_up("setup_database");
        async fn size(&self, now: i64) -> Result<u64> = Operation::read("size");
        async fn put(&self, entries: Vec<KvEntry>) -> Result<()>
            = Operation::write("put").of(entries.len()).repeatable(true);
        async fn put_if(&self, entry: KvEntry, expected: Option<Value>, now: i64) -> Result<bool>
            = Operation::write("compare_and_swap").of(1);
        async fn delete_if(&self, key: EncodedKey, expected: Option<Value>, now: i64) -> Result<bool>
            = Operation::write("delete").of(1);
        async fn increment(&self, key: EncodedKey, by: i64, now: i64) -> Result<i64>
            = Operation::write("increment").of(1);
        async fn expire(&self, key: EncodedKey, expires_at: Option<i64>, now: i64) -> Result<bool>
            = Operation::write("expire").of(1).repeatable(true);
        async fn delete_all(&self) -> Result<()> = Operation::write("delete_all").repeatable(true);
        async fn remove_change_log(&self) -> Result<()> = Operation::set_up("remove_change_log");
        async fn purge_expired(&self, now: i64) -> Result<u64> = Operation::write("purge_expired");
    }
    rows {
        async fn get(&self, key: EncodedKey) = Operation::read("get").of(1);
        async fn get_many(&self, keys: Vec<EncodedKey>) = Operation::read("get_many").of(keys.len());
        async fn scan(&self, scan: KvScan, now: i64) = Operation::read("scan");
    }
}
