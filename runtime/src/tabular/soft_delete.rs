//! Rows that are deleted and stay: seeing them, bringing them back, and removing them for good.
//!
//! What hides them is in two places: [`Core::scope`] for what goes by a filter, and the receivers
//! of rows that are read by their key. What deletes them is with the other writes.

use super::{Core, Target};
use crate::{
    error::{Error, Result},
    events::RawEvent,
    filter::FilterTree,
    maybe_send::BoxFuture,
    patch::Assignment,
    table::Row,
    value::Value,
};

impl Core {
    pub(super) fn restore<T: Row>(&self, target: Target) -> BoxFuture<'_, Result<Option<T>>> {
        Box::pin(self.run("restore", async move {
            let column = self.soft_delete_column()?;
            let (key, version) = self.check_target(target)?;
            let is_deleted = FilterTree::IsNull { column }.negate();
            let assignments = self.manage(vec![Assignment::set(column, Value::Null)]);
            self.change(key, version, is_deleted, assignments).await
        }))
    }

    pub(super) fn purge(&self, target: Target) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.run("purge", async move {
            self.soft_delete_column()?;
            self.remove(target).await
        }))
    }

    pub(super) async fn purge_search(&self, filter: FilterTree) -> Result<u64> {
        self.run("purge_search", async move {
            self.soft_delete_column()?;
            if filter.is_all() {
                return Err(Error::empty_criteria());
            }
            filter.check(&self.definition)?;
            let listened_to = self.hub.is_listened_to().then(|| filter.clone());
            let removed = self.storage.delete_search(filter).await?;
            self.emit(|| listened_to.map(|filter| RawEvent::DeleteSearch(filter, removed)));
            Ok(removed)
        })
        .await
    }

    /// Of a table that is known only at run time, the compiler cannot tell whether it has one.
    fn soft_delete_column(&self) -> Result<usize> {
        self.definition.managed.soft_delete.ok_or_else(|| {
            Error::validation(
                "the table has no `soft_delete` column, so what is deleted from it is gone; \
                 use `delete` to remove rows",
            )
        })
    }
}
