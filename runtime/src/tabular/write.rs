//! Writing through a handle.

use super::{Core, Tabular, Target, collect::One};
use crate::{
    codec::{ColumnValue as _, EncodeError},
    error::{Error, Result},
    events::RawEvent,
    filter::{Comparison, Filter, FilterTree},
    maybe_send::BoxFuture,
    patch::{Assignment, AssignmentKind},
    storage::WriteMode,
    table::{Insertable, Row},
    value::{EncodedKey, EncodedRow, Value},
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
            let listened_to = core.hub.is_listened_to().then(|| filter.clone());
            let deleted = match core.soft_deletion() {
                Some((living, deletion)) => {
                    filter.check(&core.definition)?;
                    core.storage.update_where(filter.and(living), deletion).await?
                }
                None => core.storage.delete_search(core.scope(filter)?).await?,
            };
            core.emit(|| listened_to.map(|filter| RawEvent::DeleteSearch(filter, deleted)));
            Ok(deleted)
        })
        .await
    }

    /// Deletes every row. Generated keys are not given again.
    ///
    /// Like [`Tabular::delete_search`] it only marks the rows where they have a `soft_delete` column.
    pub async fn delete_all(&self) -> Result<()> {
        let core = &*self.core;
        core.run("delete_all", async move {
            match core.soft_deletion() {
                Some((living, deletion)) => {
                    core.storage.update_where(living, deletion).await?;
                }
                None => core.storage.delete_all().await?,
            }
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
        let row = self.prepare::<T>(row, mode);
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
        let row = self.prepare::<T>(row, mode);
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
            rows.into_iter().map(|row| self.prepare::<T>(row, WriteMode::Put)).collect();
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
        target: Target,
        assignments: Result<Vec<Assignment>, EncodeError>,
    ) -> BoxFuture<'_, Result<Option<T>>> {
        Box::pin(self.run("update", async move {
            let assignments = self.check_assignments(assignments)?;
            let (key, version) = self.check_target(target)?;
            if assignments.is_empty() {
                let sink = One::<T>::sink(&self.definition, self.hidden);
                return One::<T>::take(self.storage.get(key, sink).await?);
            }
            let assignments = self.manage(assignments);
            self.change(key, version, self.scope(FilterTree::all())?, assignments).await
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
            let assignments = self.manage(assignments);
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

    pub(super) fn delete(&self, target: Target) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.run("delete", async move {
            let Some((living, deletion)) = self.soft_deletion() else {
                return self.remove(target).await;
            };
            let (key, version) = self.check_target(target)?;
            let listened_to = self.hub.is_listened_to().then(|| key.clone());
            let update = |key, condition| self.storage.update(key, condition, deletion);
            let deleted = self.checked(key, version, living, update).await?;
            if deleted.is_some() {
                self.emit(|| listened_to.map(RawEvent::Delete));
            }
            Ok(deleted.is_some())
        }))
    }

    /// Removes a row for good.
    pub(super) async fn remove(&self, target: Target) -> Result<bool> {
        let (key, version) = self.check_target(target)?;
        let listened_to = self.hub.is_listened_to().then(|| key.clone());
        let delete =
            async |key, condition| Ok(self.storage.delete(key, condition).await?.then_some(()));
        let deleted = self.checked(key, version, FilterTree::all(), delete).await?;
        if deleted.is_some() {
            self.emit(|| listened_to.map(RawEvent::Delete));
        }
        Ok(deleted.is_some())
    }

    /// Changes one row that matches and answers with it.
    pub(super) async fn change<T: Row>(
        &self,
        key: EncodedKey,
        version: Option<Value>,
        condition: FilterTree,
        assignments: Vec<Assignment>,
    ) -> Result<Option<T>> {
        let update = |key, condition| self.storage.update(key, condition, assignments);
        let stored = self.checked(key, version, condition, update).await?;
        stored.map(|row| self.decode_stored(row)).transpose()
    }

    /// Runs `work` on the row of `key` that matches, on the condition that it has `version`. The
    /// check is part of the work, so that no write of another is lost; only when nothing was done
    /// is it asked why: [`Error::Conflict`] when such a row is there, which then has another
    /// version.
    async fn checked<R>(
        &self,
        key: EncodedKey,
        version: Option<Value>,
        condition: FilterTree,
        work: impl AsyncFnOnce(EncodedKey, FilterTree) -> Result<Option<R>>,
    ) -> Result<Option<R>> {
        let (Some(version), Some(column)) = (version, self.definition.managed.version) else {
            return work(key, condition).await;
        };
        let comparison = Comparison::Equal;
        let is_read = FilterTree::Compare { column, comparison, value: version };
        let done = work(key.clone(), is_read.and(condition.clone())).await?;
        if done.is_some() {
            return Ok(done);
        }
        let there = self.definition.key_filter(key).and(condition);
        if self.storage.count(there).await? > 0 { Err(self.definition.stale()) } else { Ok(None) }
    }

    pub(super) fn check_target(&self, target: Target) -> Result<(EncodedKey, Option<Value>)> {
        let key = target.key.map_err(|error| self.encode_error(&error))?;
        self.definition.check_key(&key)?;
        Ok((key, target.version))
    }

    /// The assignments of an update, with those to managed columns.
    pub(super) fn manage(&self, assignments: Vec<Assignment>) -> Vec<Assignment> {
        self.definition.manage(assignments, || self.environment.clock.now())
    }

    /// Which rows are not deleted, and what deletes them, where rows are marked as deleted.
    fn soft_deletion(&self) -> Option<(FilterTree, Vec<Assignment>)> {
        let column = self.definition.managed.soft_delete?;
        // One look at the clock, so that both columns tell of one moment.
        let now = self.environment.clock.now();
        let deletion = vec![Assignment::set(column, now.to_value())];
        Some((FilterTree::IsNull { column }, self.definition.manage(deletion, || now)))
    }

    /// Decodes a row that was just stored, and tells listeners of it.
    pub(super) fn decode_stored<T: Row>(&self, mut row: EncodedRow) -> Result<T> {
        self.emit(|| Some(RawEvent::Put(row.clone())));
        T::decode(&self.definition, &mut row).map_err(|error| error.into_error(&self.definition))
    }
}

fn no_row() -> Error {
    Error::backend("the backend stored the row but did not return it; this is a bug in it", None)
}
