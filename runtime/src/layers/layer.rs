//! The trait that every layer implements, and the stack of layers that a store or a handle has.

use std::sync::Arc;

use crate::{
    backend::{DynBackend, DynBackendTransaction},
    engine::EngineId,
    error::Result,
    kv::{DynKvStorage, KvDef},
    maybe_send::{MaybeSend, MaybeSync},
    storage::DynTabularStorage,
    transaction::TransactionCore,
};

/// Wraps what a handle works on. Give it to `store.layer(..)` or `handle.layer(..)`.
///
/// Each method takes something and gives it back wrapped; a method that is left out gives it back
/// as it is. They can be called often, for each handle and each transaction that it joins: what has
/// to be remembered belongs into the layer, not into the wrapper.
///
/// A wrapper of a storage implements [`DynTabularStorage`] or [`DynKvStorage`], which have no method
/// that can be left out, so that one which is added cannot be forgotten. A layer that does the same
/// around whichever operation implements [`Intercept`](super::Intercept) instead.
pub trait Layer: MaybeSend + MaybeSync + 'static {
    /// Wraps a table.
    fn tabular(
        &self,
        inner: Arc<dyn DynTabularStorage>,
        scope: &LayerScope,
    ) -> Arc<dyn DynTabularStorage> {
        let _ = scope;
        inner
    }

    /// What a key-value store has to be so that [`Layer::kv`] makes one of `definition` of it: the
    /// same, unless the layer stores values in another way.
    ///
    /// Fails where there is none.
    fn kv_definition(&self, definition: &Arc<KvDef>) -> Result<Arc<KvDef>> {
        Ok(Arc::clone(definition))
    }

    /// Wraps a key-value store, so that it is one of `definition`.
    fn kv(
        &self,
        inner: Arc<dyn DynKvStorage>,
        definition: &Arc<KvDef>,
        scope: &LayerScope,
    ) -> Arc<dyn DynKvStorage> {
        let _ = (definition, scope);
        inner
    }

    /// Wraps what a store does by itself: SQL of the program's own, migrations, and beginning a
    /// transaction. Tables are not opened through this.
    fn backend(&self, inner: Arc<dyn DynBackend>) -> Arc<dyn DynBackend> {
        inner
    }

    /// Wraps what a transaction of `backend` does by itself: to commit and to roll back, savepoints,
    /// and SQL of the program's own. Tables are not opened through this.
    fn transaction(
        &self,
        inner: Arc<dyn DynBackendTransaction>,
        backend: &dyn DynBackend,
    ) -> Arc<dyn DynBackendTransaction> {
        let _ = backend;
        inner
    }
}

/// Where a layer wraps something.
#[derive(Clone, Default)]
pub struct LayerScope {
    engine: Option<EngineId>,
    transaction: Option<Arc<TransactionCore>>,
}

impl std::fmt::Debug for LayerScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LayerScope")
            .field("engine", &self.engine)
            .field("in_transaction", &self.in_transaction())
            .finish_non_exhaustive()
    }
}

impl LayerScope {
    pub(crate) const fn new(
        engine: Option<EngineId>,
        transaction: Option<Arc<TransactionCore>>,
    ) -> Self {
        Self { engine, transaction }
    }

    /// The database that it is of; none where a handle was made from a storage directly.
    pub const fn engine(&self) -> Option<EngineId> {
        self.engine
    }

    /// Whether it is inside a transaction: what is done there is lasting only after the commit, what
    /// is read may be undone, and an operation that failed may have ended the transaction.
    pub const fn in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Does something once the transaction has ended, whichever way, before its events are told;
    /// at once outside of a transaction.
    pub fn after_transaction(&self, work: impl FnOnce() + MaybeSend + 'static) {
        match &self.transaction {
            Some(transaction) => transaction.at_end(work),
            None => work(),
        }
    }
}

/// Layers, the innermost first.
#[derive(Clone, Default)]
pub(crate) struct Layers(Arc<[Arc<dyn Layer>]>);

impl Layers {
    /// The same layers, and one around them.
    pub(crate) fn and(&self, layer: Arc<dyn Layer>) -> Self {
        Self(self.0.iter().cloned().chain([layer]).collect())
    }

    pub(crate) fn tabular(
        &self,
        inner: Arc<dyn DynTabularStorage>,
        scope: &LayerScope,
    ) -> Arc<dyn DynTabularStorage> {
        self.0.iter().fold(inner, |inner, layer| layer.tabular(inner, scope))
    }

    /// A key-value store of `definition` within the layers: `open` opens the innermost, of the
    /// definition that this then has to have.
    pub(crate) fn kv(
        &self,
        definition: &Arc<KvDef>,
        scope: &LayerScope,
        open: impl FnOnce(&Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>>,
    ) -> Result<Arc<dyn DynKvStorage>> {
        let mut definitions = vec![Arc::clone(definition)];
        let mut inmost = Arc::clone(definition);
        for layer in self.0.iter().rev() {
            inmost = layer.kv_definition(&inmost)?;
            definitions.push(Arc::clone(&inmost));
        }
        let storage = open(&inmost)?;
        let around = self.0.iter().zip(definitions.iter().rev().skip(1));
        Ok(around.fold(storage, |inner, (layer, definition)| layer.kv(inner, definition, scope)))
    }

    pub(crate) fn transaction(
        &self,
        inner: Arc<dyn DynBackendTransaction>,
        backend: &dyn DynBackend,
    ) -> Arc<dyn DynBackendTransaction> {
        self.0.iter().fold(inner, |inner, layer| layer.transaction(inner, backend))
    }
}
