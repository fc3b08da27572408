//! Updating records, whose patches are checked against the definition at run time.

use super::Tabular;
use crate::{
    error::Result,
    filter::Filter,
    maybe_send::BoxFuture,
    record::{Record, RecordPatch},
    table::IntoKey,
};

impl<Scope> Tabular<Record, Scope> {
    /// Changes the columns that the patch sets, and only those, and returns the whole record;
    /// `None` when there is none with that key. A patch that sets nothing only reads.
    ///
    /// Fails with [`Error::Validation`](crate::Error::Validation) when the patch names a column
    /// that is not there or is in the key, or a value does not fit.
    pub fn update(
        &self,
        key: impl IntoKey<Record>,
        patch: RecordPatch,
    ) -> BoxFuture<'_, Result<Option<Record>>> {
        match patch.into_assignments(&self.core.definition) {
            Ok(assignments) => self.core.update(key.into_key(), Ok(assignments)),
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
