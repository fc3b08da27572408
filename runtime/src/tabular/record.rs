//! Updating records, whose patches are checked against the definition at run time.

use super::{Tabular, Target};
use crate::{
    error::Result,
    filter::Filter,
    maybe_send::BoxFuture,
    record::{Record, RecordPatch},
    table::KeyOrRow,
};

impl<Scope> Tabular<Record, Scope> {
    /// Changes the columns that the patch sets, and only those, and returns the whole record;
    /// `None` when there is none with that key. A patch that sets nothing only reads.
    ///
    /// It takes the key, or a record. Where records have a `version`, one is only changed as it was
    /// read: fails with [`Error::Conflict`](crate::Error::Conflict) when it was written since.
    ///
    /// Fails with [`Error::Validation`](crate::Error::Validation) when the patch names a column
    /// that is not there, is in the key or is set by the store, or a value does not fit.
    pub fn update(
        &self,
        key_or_record: impl KeyOrRow<Record>,
        patch: RecordPatch,
    ) -> BoxFuture<'_, Result<Option<Record>>> {
        match patch.into_assignments(&self.core.definition) {
            Ok(assignments) => self.core.update(Target::new(key_or_record), Ok(assignments)),
            Err(error) => Box::pin(self.core.run("update", async { Err(error) })),
        }
    }

    /// Changes the columns that the patch sets of every record that matches, all or none, and
    /// returns how many there are. [`Filter::all`] is every record.
    ///
    /// Fails as [`Tabular::update`] does, and where two records would have the same value of a
    /// unique column.
    pub fn update_where(
        &self,
        filter: Filter<Record>,
        patch: RecordPatch,
    ) -> BoxFuture<'_, Result<u64>> {
        match patch.into_assignments(&self.core.definition) {
            Ok(assignments) => self.core.update_where(filter.into_tree(), Ok(assignments)),
            Err(error) => Box::pin(self.core.run("update_where", async { Err(error) })),
        }
    }
}
