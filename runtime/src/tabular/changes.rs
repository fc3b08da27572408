//! What following changes needs of a handle.

use std::sync::Arc;

use super::{Core, Tabular};
use crate::{
    changes::{ChangeFeed, ChangesBuilder, Followable, Since},
    definition::TableDef,
    error::{Error, Result},
    filter::FilterTree,
    maybe_send::BoxFuture,
    table::Row,
};

impl<T: Row> Tabular<T> {
    /// Follows the table's changes: what is inserted, updated and deleted, through this handle,
    /// by others of this process and by other processes, once it is committed.
    ///
    /// The table needs a log of its changes: `#[table(changes)]`, or
    /// [`StoreBuilder::log_changes`](crate::StoreBuilder::log_changes) for all of a store, before
    /// it is set up.
    ///
    /// The changes are those of the rows that the handle sees: one that is marked as deleted is a
    /// delete, one that is restored an insert, and what becomes of it between is nothing. Through
    /// [`with_deleted`](Tabular::with_deleted) both are the updates that they are.
    ///
    /// Every change is delivered, at least once; those of one key in the order in which they were
    /// committed. Fails with [`Error::Validation`] where the definition asks for no log, with
    /// [`Error::Schema`] where the table was not set up with one, with [`Error::Lagged`] when the
    /// log does not reach back to the cursor, and with [`Error::Unsupported`] where the backend has
    /// no changes.
    ///
    /// ```
    /// use storehouse::{ChangeKind, prelude::*};
    ///
    /// #[derive(Table, Clone, Debug, PartialEq)]
    /// #[table(changes)]
    /// struct Product {
    ///     #[table(key)]
    ///     sku: String,
    ///     price: f64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// let products = storehouse::open("sqlite::memory:").await?.tabular::<Product>().await?;
    /// products.setup_database().await?;
    ///
    /// let dear = Product::PRICE.gt(5.0);
    /// let mut changes = products.changes(Since::Now).filter(dear).await?;
    /// products.put(Product { sku: "A1".into(), price: 9.5 }).await?;
    /// products.put(Product { sku: "A2".into(), price: 1.0 }).await?;
    /// products.delete("A1").await?;
    ///
    /// let insert = changes.try_next().await?.unwrap();
    /// assert_eq!((insert.kind, insert.new.unwrap().price), (ChangeKind::Insert, 9.5));
    /// let delete = changes.try_next().await?.unwrap();
    /// assert_eq!((delete.kind, delete.key.as_deref()), (ChangeKind::Delete, Some("A1")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn changes(&self, since: Since) -> ChangesBuilder<T> {
        ChangesBuilder::new(Arc::clone(&self.core), since)
    }

    /// Removes the log of the table's changes, so that writes no longer pay for it. Whoever
    /// follows the table, in whichever process, gets an error.
    ///
    /// A definition that does not ask for a log leaves one that is there, since another program
    /// may follow it; this is for when nobody does any more. `setup_database` on a handle that
    /// asks for one begins a new log.
    pub async fn remove_change_log(&self) -> Result<()> {
        let core = &self.core;
        core.run("remove_change_log", core.storage.remove_change_log()).await
    }
}

impl Core {
    /// Says in an error where it comes from.
    pub(crate) fn at(&self, error: Error, operation: &'static str) -> Error {
        error.at(self.backend, &self.definition.name, operation)
    }
}

impl Followable for Core {
    fn definition(&self) -> &Arc<TableDef> {
        &self.definition
    }

    fn feed(&self) -> Result<Arc<ChangeFeed>> {
        if self.storage.capabilities().changes && !self.definition.changes {
            return Err(Error::validation(format!(
                "table `{}` keeps no log of its changes; write `#[table(changes)]` above the \
                 struct, or open the store with `Store::builder().log_changes()`, and call \
                 `setup_database()`",
                self.definition.full_name()
            )));
        }
        self.storage.change_feed()
    }

    fn scope(&self, filter: FilterTree) -> Result<FilterTree> {
        Self::scope(self, filter)
    }

    fn hidden_by(&self) -> Option<usize> {
        self.hidden.0
    }

    fn closed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.hub.closed())
    }

    fn is_closed(&self) -> bool {
        self.hub.is_closed()
    }

    fn at(&self, error: Error) -> Error {
        Self::at(self, error, "changes")
    }
}
