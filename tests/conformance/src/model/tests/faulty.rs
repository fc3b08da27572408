//! A backend that does one thing wrong: the memory backend behind a layer with a fault.

use std::sync::Arc;

use storehouse_runtime::{
    Aggregation, Assignment, Backend, BackendTransaction, Capabilities, DynBackend,
    DynBackendTransaction, DynTabularStorage, EncodedKey, EncodedRow, EngineId, FilterTree, Result,
    RowSink, Selection, TableDef, TabularStorage, Value, WriteMode, memory::InMemoryBackend,
};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    DeleteSaysItDid,
    BulkIsNotAtomic,
    PutKeepsWhatIsThere,
    PagesRepeatTheirLastRow,
    NullIsLeftOut,
    NotMatchesNull,
    MinusZeroLosesItsSign,
    SavepointIsNotUndone,
    RollbackIsACommit,
    UpdateForgetsNull,
    PutReplacesWhatWasNotRead,
}

pub(super) const FAULTS: [Fault; 11] = [
    Fault::DeleteSaysItDid,
    Fault::BulkIsNotAtomic,
    Fault::PutKeepsWhatIsThere,
    Fault::PagesRepeatTheirLastRow,
    Fault::NullIsLeftOut,
    Fault::NotMatchesNull,
    Fault::MinusZeroLosesItsSign,
    Fault::SavepointIsNotUndone,
    Fault::RollbackIsACommit,
    Fault::UpdateForgetsNull,
    Fault::PutReplacesWhatWasNotRead,
];

pub(super) struct Faulty<Inner> {
    inner: Inner,
    fault: Fault,
}

pub(super) fn backend(fault: Fault) -> Arc<dyn DynBackend> {
    let inner: Arc<dyn DynBackend> = Arc::new(InMemoryBackend::new());
    Arc::new(Faulty { inner, fault })
}

impl<Inner> Faulty<Inner> {
    fn storage(&self, inner: Arc<dyn DynTabularStorage>) -> Arc<dyn DynTabularStorage> {
        Arc::new(Faulty { inner, fault: self.fault })
    }
}

impl Backend for Faulty<Arc<dyn DynBackend>> {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn engine(&self) -> EngineId {
        self.inner.engine()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        Ok(self.storage(self.inner.tabular(definition)?))
    }

    async fn begin(&self) -> Result<Arc<dyn DynBackendTransaction>> {
        Ok(Arc::new(Faulty { inner: self.inner.begin().await?, fault: self.fault }))
    }
}

impl BackendTransaction for Faulty<Arc<dyn DynBackendTransaction>> {
    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        Ok(self.storage(self.inner.tabular(definition)?))
    }

    async fn commit(&self) -> Result<()> {
        self.inner.commit().await
    }

    async fn rollback(&self) -> Result<()> {
        match self.fault {
            Fault::RollbackIsACommit => self.inner.commit().await,
            _ => self.inner.rollback().await,
        }
    }

    async fn savepoint(&self) -> Result<()> {
        self.inner.savepoint().await
    }

    async fn release_savepoint(&self) -> Result<()> {
        self.inner.release_savepoint().await
    }

    fn rollback_savepoint(&self) {
        if self.fault != Fault::SavepointIsNotUndone {
            self.inner.rollback_savepoint();
        }
    }
}

impl TabularStorage for Faulty<Arc<dyn DynTabularStorage>> {
    fn definition(&self) -> &Arc<TableDef> {
        self.inner.definition()
    }

    fn backend(&self) -> &'static str {
        "faulty"
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn setup_database(&self) -> Result<()> {
        self.inner.setup_database().await
    }

    async fn get(&self, key: EncodedKey, rows: RowSink) -> Result<RowSink> {
        self.inner.get(key, rows).await
    }

    async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        self.inner.get_many(keys, rows).await
    }

    async fn select(&self, mut selection: Selection, rows: RowSink) -> Result<RowSink> {
        match self.fault {
            Fault::PagesRepeatTheirLastRow if selection.limit == Some(3) => selection.after = None,
            Fault::NullIsLeftOut => {
                let column = selection.order[0].column;
                if self.inner.definition().columns[column].nullable {
                    let present = FilterTree::IsNull { column }.negate();
                    selection.filter = selection.filter.and(present);
                }
            }
            Fault::NotMatchesNull => {
                if let FilterTree::Not(inner) = &selection.filter
                    && let FilterTree::Compare { column, .. } = **inner
                {
                    selection.filter = selection.filter.or(FilterTree::IsNull { column });
                }
            }
            _ => {}
        }
        self.inner.select(selection, rows).await
    }

    async fn aggregate(&self, aggregation: Aggregation, rows: RowSink) -> Result<RowSink> {
        self.inner.aggregate(aggregation, rows).await
    }

    async fn count(&self, filter: FilterTree) -> Result<u64> {
        self.inner.count(filter).await
    }

    async fn write(
        &self,
        mut rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> Result<Vec<Option<EncodedRow>>> {
        match self.fault {
            Fault::BulkIsNotAtomic => {
                let mut stored = Vec::new();
                for row in rows {
                    stored.extend(self.inner.write(vec![row], mode).await?);
                }
                return Ok(stored);
            }
            Fault::PutKeepsWhatIsThere if mode == WriteMode::Put && rows.len() == 1 => {
                let row = rows[0].clone();
                let stored = self.inner.write(rows, WriteMode::InsertIfAbsent).await?;
                return Ok(stored.into_iter().map(|stored| stored.or(Some(row.clone()))).collect());
            }
            Fault::PutReplacesWhatWasNotRead if mode == WriteMode::Put => {
                if let Some(version) = self.inner.definition().managed.version {
                    for row in &mut rows {
                        row.0[version] = Value::Null;
                    }
                }
            }
            Fault::MinusZeroLosesItsSign => {
                for value in rows.iter_mut().flat_map(|row| &mut row.0) {
                    if let Value::Float(number) = value {
                        *number += 0.0;
                    }
                }
            }
            _ => {}
        }
        self.inner.write(rows, mode).await
    }

    async fn update(
        &self,
        key: EncodedKey,
        condition: FilterTree,
        mut assignments: Vec<Assignment>,
    ) -> Result<Option<EncodedRow>> {
        if self.fault == Fault::UpdateForgetsNull && assignments.len() > 1 {
            assignments.retain(|assignment| !assignment.value.is_null());
        }
        self.inner.update(key, condition, assignments).await
    }

    async fn upsert(
        &self,
        row: EncodedRow,
        unique: Vec<usize>,
        assignments: Vec<Assignment>,
    ) -> Result<EncodedRow> {
        self.inner.upsert(row, unique, assignments).await
    }

    async fn update_where(&self, filter: FilterTree, assignments: Vec<Assignment>) -> Result<u64> {
        self.inner.update_where(filter, assignments).await
    }

    async fn delete(&self, key: EncodedKey, condition: FilterTree) -> Result<bool> {
        let deleted = self.inner.delete(key, condition).await?;
        Ok(deleted || self.fault == Fault::DeleteSaysItDid)
    }

    async fn delete_search(&self, filter: FilterTree) -> Result<u64> {
        self.inner.delete_search(filter).await
    }

    async fn delete_all(&self) -> Result<()> {
        self.inner.delete_all().await
    }

    async fn explain(&self, selection: Selection) -> Result<String> {
        self.inner.explain(selection).await
    }
}
