//! Writing through a handle.

use super::{Core, Tabular, collect::One};
use crate::{
    codec::EncodeError,
    error::{Error, Result},
    events::RawEvent,
    filter::{Filter, FilterTree},
    maybe_send::BoxFuture,
    patch::{Assignment, AssignmentKind},
    storage::WriteMode,
    table::{Insertable, Row},
    value::{EncodedKey, EncodedRow},
};

impl<T: Row, Scope> Tabular<T, Scope> {
    /// Deletes the rows that match and returns how many there were. Fails with
    /// [`Error::EmptyCriteria`] when the filter matches every row.
    pub async fn delete_search(&self, filter: Filter<T>) -> Result<u64> {
        let core = &*self.core;
        let filter = filter.into_tree();
        core.run("delete_search", async move {
            if filter.is_all() {
                return Err(Error::empty_criteria());
            }
            let filter = core.scope(filter)?;
            let listened_to = core.hub.is_listened_to().then(|| filter.clone());
            let deleted = core.storage.delete_search(filter).await?;
            core.emit(|| listened_to.map(|filter| RawEvent::DeleteSearch(filter, deleted)));
            Ok(deleted)
        })
        .await
    }

    /// Deletes every row. Generated keys are not given again.
    pub async fn delete_all(&self) -> Result<()> {
        let core = &*self.core;
        core.run("delete_all", async move {
            core.storage.delete_all().await?;
            core.emit(|| Some(RawEvent::ClearAll));
            Ok(())
        })
        .await
    }
}

impl Core {
    /// Writes one row, and answers with what is stored then.
    pub(super) fn write<T: Row>(
        &self,
        operation: &'static str,
        row: impl Insertable<T>,
        mode: WriteMode,
    ) -> BoxFuture<'_, Result<Option<T>>> {
        let row = self.prepare::<T>(row);
        Box::pin(self.run(operation, async move {
            let stored = self.storage.write(vec![row?], mode).await?;
            stored.into_iter().next().flatten().map(|row| self.decode_stored(row)).transpose()
        }))
    }

    /// As [`Core::write`], where a row is stored in any case.
    pub(super) fn write_always<T: Row>(
        &self,
        operation: &'static str,
        row: impl Insertable<T>,
        mode: WriteMode,
    ) -> BoxFuture<'_, Result<T>> {
        let row = self.prepare::<T>(row);
        Box::pin(self.run(operation, async move {
            let stored = self.storage.write(vec![row?], mode).await?;
            let stored = stored.into_iter().next().flatten().ok_or_else(no_row)?;
            self.decode_stored(stored)
        }))
    }

    pub(super) fn put_bulk<T: Row, I: Insertable<T>>(
        &self,
        rows: impl IntoIterator<Item = I>,
    ) -> BoxFuture<'_, Result<Vec<T>>> {
        let rows: Result<Vec<EncodedRow>> =
            rows.into_iter().map(|row| self.prepare::<T>(row)).collect();
        Box::pin(self.run("put_bulk", async move {
            let rows = rows?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let stored = self.storage.write(rows, WriteMode::Put).await?;
            stored.into_iter().flatten().map(|row| self.decode_stored(row)).collect()
        }))
    }

    pub(super) fn update<T: Row>(
        &self,
        key: EncodedKey,
        assignments: Result<Vec<Assignment>, EncodeError>,
    ) -> BoxFuture<'_, Result<Option<T>>> {
        Box::pin(self.run("update", async move {
            let assignments = self.check_assignments(assignments)?;
            self.definition.check_key(&key)?;
            if assignments.is_empty() {
                let sink = self.storage.get(key, One::<T>::sink(&self.definition)).await?;
                return One::<T>::take(sink);
            }
            let stored = self.storage.update(key, assignments).await?;
            stored.map(|row| self.decode_stored(row)).transpose()
        }))
    }

    pub(super) fn update_where(
        &self,
        filter: FilterTree,
        assignments: Result<Vec<Assignment>, EncodeError>,
    ) -> BoxFuture<'_, Result<u64>> {
        Box::pin(self.run("update_where", async move {
            let assignments = self.check_assignments(assignments)?;
            self.check_increments(&assignments)?;
            let filter = self.scope(filter)?;
            if assignments.is_empty() {
                return self.storage.count(filter).await;
            }
            let listened_to = self.hub.is_listened_to().then(|| filter.clone());
            let updated = self.storage.update_where(filter, assignments).await?;
            self.emit(|| listened_to.map(|filter| RawEvent::UpdateWhere(filter, updated)));
            Ok(updated)
        }))
    }

    pub(super) fn check_assignments(
        &self,
        assignments: Result<Vec<Assignment>, EncodeError>,
    ) -> Result<Vec<Assignment>> {
        let assignments = assignments.map_err(|error| self.encode_error(&error))?;
        for assignment in &assignments {
            assignment.check(&self.definition.columns[assignment.column])?;
        }
        Ok(assignments)
    }

    /// In a unique index, databases look at one row after the other, each in an order of its own.
    fn check_increments(&self, assignments: &[Assignment]) -> Result<()> {
        let unique = || self.definition.indexes.iter().filter(|index| index.unique);
        let incremented = assignments.iter().find(|assignment| {
            assignment.kind == AssignmentKind::Increment
                && unique().any(|index| index.columns.contains(&assignment.column))
        });
        incremented.map_or(Ok(()), |assignment| {
            Err(Error::validation(format!(
                "column `{}` is unique and cannot be incremented in several rows at once, since a \
                 row may be in the way of another that takes its place; update the rows one by one",
                self.definition.columns[assignment.column].name
            )))
        })
    }

    pub(super) fn delete(
        &self,
        key: Result<EncodedKey, EncodeError>,
    ) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.run("delete", async move {
            let key = key.map_err(|error| self.encode_error(&error))?;
            self.definition.check_key(&key)?;
            let listened_to = self.hub.is_listened_to().then(|| key.clone());
            let deleted = self.storage.delete(key).await?;
            if deleted {
                self.emit(|| listened_to.map(RawEvent::Delete));
            }
            Ok(deleted)
        }))
    }

    /// Decodes a row that was just stored, and tells listeners of it.
    pub(super) fn decode_stored<T: Row>(&self, mut row: EncodedRow) -> Result<T> {
        self.emit(|| Some(RawEvent::Put(row.clone())));
        T::decode(&self.definition, &mut row).map_err(|error| self.decode_error(error))
    }
}

fn no_row() -> Error {
    Error::backend("the backend stored the row but did not return it; this is a bug in it", None)
}
