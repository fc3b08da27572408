//! The memory backend's side of [`TabularStorage`].

use std::{ops::ControlFlow, sync::Arc};

use super::{
    CAPABILITIES, NAME, changes,
    database::Database,
    links, plan,
    scan::{self, Scan},
    table::{SortKey, State, StoredRow, Table},
    transaction::Workspace,
};
use crate::{
    aggregate::Aggregation,
    capabilities::Capabilities,
    changes::ChangeFeed,
    codec::RowRef,
    definition::TableDef,
    error::{Error, Result},
    filter::FilterTree,
    order,
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
    /// Whether it is to keep a log of its changes.
    logs_changes: bool,
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
        let logs_changes = definition.changes;
        let table = Arc::new(Table::new(definition));
        Self { database: Arc::default(), table, logs_changes, workspace: None }
    }

    pub(super) fn open(database: &Arc<Database>, definition: &Arc<TableDef>) -> Result<Self> {
        let table = database.table(definition)?;
        let logs_changes = definition.changes;
        Ok(Self { database: Arc::clone(database), table, logs_changes, workspace: None })
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

    fn hand_over(
        &self,
        position: usize,
        row: &StoredRow,
        rows: &mut RowSink,
    ) -> Result<ControlFlow<()>> {
        rows.receive(position, &mut RowRef(row)).map_err(|error| {
            Error::decode(&*self.table.definition.columns[error.column].name, error.message)
        })
    }

    fn scan(&self, selection: &Selection) -> Result<Scan> {
        Ok(scan::run(&self.table, &self.snapshot()?, selection))
    }

    /// Every row that matches, in the order of the key.
    fn matching(&self, filter: FilterTree) -> Result<Selection> {
        let order = order::complete(&self.table.definition, &[])?;
        Ok(Selection {
            filter,
            order,
            after: None,
            limit: None,
            offset: 0,
            lock: None,
            columns: None,
        })
    }
}

impl TabularStorage for InMemoryTabularStorage {
    fn definition(&self) -> &Arc<TableDef> {
        &self.table.definition
    }

    fn backend(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn setup_database(&self) -> Result<()> {
        self.database.set_up(&self.table, self.logs_changes)
    }

    async fn get(&self, key: EncodedKey, mut rows: RowSink) -> Result<RowSink> {
        let row = self.look(|state| state.entries[0].get(&SortKey::at(key.0)).cloned())?;
        if let Some(row) = row {
            let _ = self.hand_over(0, &row, &mut rows)?;
        }
        Ok(rows)
    }

    async fn get_many(&self, keys: Vec<EncodedKey>, mut rows: RowSink) -> Result<RowSink> {
        let state = self.snapshot()?;
        for (position, key) in keys.into_iter().enumerate() {
            if let Some(row) = state.entries[0].get(&SortKey::at(key.0))
                && self.hand_over(position, row, &mut rows)?.is_break()
            {
                break;
            }
        }
        Ok(rows)
    }

    async fn select(&self, selection: Selection, rows: RowSink) -> Result<RowSink> {
        let mut rows = selection.receiver(rows);
        for (position, row) in self.scan(&selection)?.rows.iter().enumerate() {
            if self.hand_over(position, row, &mut rows)?.is_break() {
                break;
            }
        }
        Ok(rows)
    }

    async fn aggregate(&self, aggregation: Aggregation, rows: RowSink) -> Result<RowSink> {
        let found = self.scan(&self.matching(aggregation.filter.clone())?)?.rows;
        let found = found.iter().map(|row| &**row);
        aggregation.evaluate(&self.table.definition, found, rows)
    }

    async fn count(&self, filter: FilterTree) -> Result<u64> {
        let count = if filter.is_all() {
            self.look(|state| state.entries[0].len())?
        } else {
            self.scan(&self.matching(filter)?)?.rows.len()
        };
        Ok(count as u64)
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
        let selection = self.matching(filter)?;
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
        let selection = self.matching(filter)?;
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
        let plan = plan::choose(&self.table.indexes, &selection);
        let scan = self.scan(&selection)?;
        let index = &self.table.indexes[plan.index];
        let how = match (plan.fixed, plan.bounded) {
            (0, false) => "all of".to_owned(),
            (fixed, false) => format!("{fixed} column(s) of"),
            (fixed, true) => format!("{fixed} column(s) and a range of"),
        };
        let sort = if plan.ordered { "already in order" } else { "sorted afterwards" };
        Ok(format!(
            "{how} {}; examined {} rows, returned {}; {sort}",
            index.name,
            scan.examined,
            scan.rows.len()
        ))
    }
}
