//! The memory backend's side of [`TabularStorage`].

use std::sync::Arc;

use super::{
    CAPABILITIES, NAME, changes,
    database::Database,
    index::SortKey,
    links,
    read::{Snapshot, matching},
    scan,
    table::{State, Table},
    transaction::Workspace,
};
use crate::{
    aggregate::Aggregation,
    capabilities::Capabilities,
    changes::ChangeFeed,
    definition::TableDef,
    error::Result,
    filter::FilterTree,
    patch::Assignment,
    selection::Selection,
    storage::{RowSink, TabularStorage, WriteMode},
    value::{EncodedKey, EncodedRow},
};

/// A table in memory; made by a store, or directly with [`InMemoryTabularStorage::new`].
#[derive(Clone)]
pub struct InMemoryTabularStorage {
    database: Arc<Database>,
    table: Arc<Table>,
    /// The definition that it was opened with, which says whether changes are to be logged.
    definition: Arc<TableDef>,
    /// Where the table is read and changed instead, inside a transaction.
    workspace: Option<Arc<Workspace>>,
}

impl std::fmt::Debug for InMemoryTabularStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InMemoryTabularStorage")
            .field("table", &self.table.definition.name)
            .finish_non_exhaustive()
    }
}

impl InMemoryTabularStorage {
    /// A table in a database of its own.
    pub fn new(definition: Arc<TableDef>) -> Self {
        let table = Arc::new(Table::new(Arc::clone(&definition)));
        Self { database: Arc::default(), table, definition, workspace: None }
    }

    pub(super) fn open(database: &Arc<Database>, definition: &Arc<TableDef>) -> Result<Self> {
        let (table, definition) = (database.table(definition)?, Arc::clone(definition));
        Ok(Self { database: Arc::clone(database), table, definition, workspace: None })
    }

    pub(super) fn open_in(
        database: &Arc<Database>,
        definition: &Arc<TableDef>,
        workspace: Arc<Workspace>,
    ) -> Result<Self> {
        Ok(Self { workspace: Some(workspace), ..Self::open(database, definition)? })
    }

    /// Looks at the table as it is now. `look` must be brief: writers wait for it.
    fn look<R>(&self, look: impl FnOnce(&State) -> R) -> Result<R> {
        match &self.workspace {
            Some(workspace) => workspace.change(&self.table, |state| Ok(look(state))),
            None => Ok(look(&*self.table.read()?)),
        }
    }

    /// A snapshot to read at leisure.
    fn snapshot(&self) -> Result<State> {
        self.look(State::clone)
    }

    /// Reads at leisure, in a snapshot.
    fn read<R>(&self, read: impl FnOnce(Snapshot<'_>) -> Result<R>) -> Result<R> {
        read(Snapshot { table: &self.table, state: &self.snapshot()? })
    }

    async fn change<R>(&self, change: impl FnOnce(&mut State) -> Result<R>) -> Result<R> {
        if let Some(workspace) = &self.workspace {
            return if self.table.is_linked() {
                workspace.change_linked(&self.table, change)
            } else if self.table.log.is_on() {
                workspace.change_logged(&self.table, change)
            } else {
                workspace.change(&self.table, change)
            };
        }
        let _permit = self.database.permit_write().await?;
        let mut state = self.table.write()?;
        // Looked at under the lock, without which it does not change.
        if !self.table.is_linked() {
            if !self.table.log.is_on() {
                return change(&mut state);
            }
            let before = State::clone(&state);
            let answer = change(&mut state)?;
            self.table.log.record(changes::between(&before, &state));
            return Ok(answer);
        }
        drop(state);
        links::change(&self.table, change)
    }
}

impl TabularStorage for InMemoryTabularStorage {
    fn definition(&self) -> &Arc<TableDef> {
        &self.definition
    }

    fn backend(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn setup_database(&self) -> Result<()> {
        let _permit = self.database.permit_set_up().await?;
        self.database.set_up(&self.table, self.definition.changes)
    }

    async fn get(&self, key: EncodedKey, mut rows: RowSink) -> Result<RowSink> {
        let row = self.look(|state| state.entries[0].get(&SortKey::at(key.0)).cloned())?;
        if let Some(row) = row {
            let _ = Snapshot::hand_over(&self.table, 0, &row, &mut rows)?;
        }
        Ok(rows)
    }

    async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        self.read(|snapshot| snapshot.get_many(keys, rows))
    }

    async fn select(&self, selection: Selection, rows: RowSink) -> Result<RowSink> {
        self.read(|snapshot| snapshot.select(&selection, rows))
    }

    async fn aggregate(&self, aggregation: Aggregation, rows: RowSink) -> Result<RowSink> {
        self.read(|snapshot| snapshot.aggregate(&aggregation, rows))
    }

    async fn count(&self, filter: FilterTree) -> Result<u64> {
        self.read(|snapshot| snapshot.count(filter))
    }

    async fn write(
        &self,
        rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> Result<Vec<Option<EncodedRow>>> {
        self.change(|state| self.table.write_rows(state, rows, mode)).await
    }

    async fn upsert(
        &self,
        row: EncodedRow,
        unique: Vec<usize>,
        assignments: Vec<Assignment>,
    ) -> Result<EncodedRow> {
        self.change(|state| self.table.upsert_row(state, row, &unique, &assignments)).await
    }

    async fn update(
        &self,
        key: EncodedKey,
        condition: FilterTree,
        assignments: Vec<Assignment>,
    ) -> Result<Option<EncodedRow>> {
        self.change(|state| self.table.update_row(state, key, &condition, &assignments)).await
    }

    async fn update_where(&self, filter: FilterTree, assignments: Vec<Assignment>) -> Result<u64> {
        let selection = matching(&self.table, filter)?;
        self.change(|state| {
            let found = scan::run(&self.table, state, &selection).rows;
            self.table.update_rows(state, &found, &assignments)?;
            Ok(found.len() as u64)
        })
        .await
    }

    async fn delete(&self, key: EncodedKey, condition: FilterTree) -> Result<bool> {
        self.change(|state| Ok(self.table.delete_row(state, key, &condition))).await
    }

    async fn delete_search(&self, filter: FilterTree) -> Result<u64> {
        let selection = matching(&self.table, filter)?;
        self.change(|state| {
            let found = scan::run(&self.table, state, &selection).rows;
            for row in &found {
                self.table.remove(state, row);
            }
            Ok(found.len() as u64)
        })
        .await
    }

    async fn delete_all(&self) -> Result<()> {
        self.change(|state| {
            state.clear();
            Ok(())
        })
        .await
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        Ok(changes::feed(changes::Logged::Table(Arc::clone(&self.table))))
    }

    async fn remove_change_log(&self) -> Result<()> {
        let _permit = self.database.permit_write().await?;
        let _state = self.table.lock();
        self.table.log.switch_off();
        Ok(())
    }

    /// Runs the query and says which index it read, how many rows it looked at, and whether it
    /// had to sort.
    async fn explain(&self, selection: Selection) -> Result<String> {
        self.read(|snapshot| Ok(snapshot.explain(&selection)))
    }
}
