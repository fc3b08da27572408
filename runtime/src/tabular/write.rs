//! Writing through a handle.

use super::{Core, Tabular};
use crate::{
    error::{Error, Result},
    events::RawEvent,
    filter::Filter,
    storage::WriteMode,
    table::{Insertable, IntoKey, KeyOrRow, Row, Table, TablePatch},
    value::EncodedRow,
};

impl<T: Row, Scope> Tabular<T, Scope> {
    /// Stores a row: a new one, or in place of the whole row that has its key. Returns the row
    /// as stored, with everything that was generated.
    ///
    /// Fails with [`Error::Conflict`] when another row has its value of a unique column; that
    /// row is never removed.
    pub async fn put(&self, row: impl Insertable<T>) -> Result<T> {
        let core = &*self.core;
        core.run("put", core.write_one(row, WriteMode::Put)).await?.ok_or_else(no_row)
    }

    /// Stores many rows, all or none, and returns them in order. Of two rows with one key the
    /// last wins.
    pub async fn put_bulk<I: Insertable<T>>(
        &self,
        rows: impl IntoIterator<Item = I>,
    ) -> Result<Vec<T>> {
        let core = &*self.core;
        let rows: Result<Vec<EncodedRow>> =
            rows.into_iter().map(|row| core.prepare::<T>(row)).collect();
        core.run("put_bulk", async {
            let rows = rows?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let stored = core.storage.write(rows, WriteMode::Put).await?;
            stored.into_iter().flatten().map(|row| core.decode_stored(row)).collect()
        })
        .await
    }

    /// Stores a new row and returns it. Fails with [`Error::Conflict`] when its key or its value
    /// of a unique column is taken.
    pub async fn insert(&self, row: impl Insertable<T>) -> Result<T> {
        let core = &*self.core;
        core.run("insert", core.write_one(row, WriteMode::Insert)).await?.ok_or_else(no_row)
    }

    /// Stores a new row and returns it, or leaves everything as it is and returns `None` when
    /// its key or its value of a unique column is taken.
    pub async fn insert_if_absent(&self, row: impl Insertable<T>) -> Result<Option<T>> {
        let core = &*self.core;
        core.run("insert_if_absent", core.write_one(row, WriteMode::InsertIfAbsent)).await
    }

    /// Deletes the row with that key, or that row. `false` when it is not there.
    pub async fn delete(&self, key_or_row: impl KeyOrRow<T>) -> Result<bool> {
        let core = &*self.core;
        let key = key_or_row.into_key();
        core.run("delete", async {
            let key = key.map_err(|error| core.encode_error(&error))?;
            core.definition.check_key(&key)?;
            let listened_to = core.hub.is_listened_to().then(|| key.clone());
            let deleted = core.storage.delete(key).await?;
            if deleted {
                core.emit(|| listened_to.map(RawEvent::Delete));
            }
            Ok(deleted)
        })
        .await
    }

    /// Deletes the rows that match and returns how many there were. Fails with
    /// [`Error::EmptyCriteria`] when the filter matches every row.
    pub async fn delete_search(&self, filter: Filter<T>) -> Result<u64> {
        let core = &*self.core;
        let filter = filter.into_tree();
        core.run("delete_search", async {
            if filter.is_all() {
                return Err(Error::empty_criteria());
            }
            filter.check(&core.definition)?;
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
        core.run("delete_all", async {
            core.storage.delete_all().await?;
            core.emit(|| Some(RawEvent::ClearAll));
            Ok(())
        })
        .await
    }
}

impl<T: Table, Scope> Tabular<T, Scope> {
    /// Changes the columns that the patch sets, and only those, and returns the whole row; `None`
    /// when there is no row with that key. A patch that sets nothing only reads.
    pub async fn update(&self, key: impl IntoKey<T>, patch: T::Patch) -> Result<Option<T>> {
        let core = &*self.core;
        let key = key.into_key();
        core.run("update", async {
            let assignments =
                patch.into_assignments().map_err(|error| core.encode_error(&error))?;
            core.definition.check_key(&key)?;
            for assignment in &assignments {
                core.definition.columns[assignment.column].check(&assignment.value)?;
            }
            if assignments.is_empty() {
                let sink = super::collect::One::<T>::sink(&core.definition);
                return super::collect::One::<T>::take(core.storage.get(key, sink).await?);
            }
            let stored = core.storage.update(key, assignments).await?;
            stored.map(|row| core.decode_stored(row)).transpose()
        })
        .await
    }
}

impl Core {
    async fn write_one<T: Row>(
        &self,
        row: impl Insertable<T>,
        mode: WriteMode,
    ) -> Result<Option<T>> {
        let row = self.prepare::<T>(row)?;
        let stored = self.storage.write(vec![row], mode).await?;
        stored.into_iter().next().flatten().map(|row| self.decode_stored(row)).transpose()
    }

    /// Decodes a row that was just stored, and tells listeners of it.
    fn decode_stored<T: Row>(&self, mut row: EncodedRow) -> Result<T> {
        self.emit(|| Some(RawEvent::Put(row.clone())));
        T::decode(&self.definition, &mut row).map_err(|error| self.decode_error(error))
    }
}

fn no_row() -> Error {
    Error::backend("the backend stored the row but did not return it; this is a bug in it", None)
}
