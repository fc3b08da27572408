//! One table in memory: what is stored, and how a row goes in and out.

use std::{
    ops::Deref,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use super::{
    batch::Batch,
    changes::Log,
    index::{Entries, Index, SortKey},
    links::Links,
};
use crate::{
    definition::{TableDef, same_columns},
    error::{Error, Result},
    filter::FilterTree,
    patch::Assignment,
    storage::WriteMode,
    value::{EncodedKey, EncodedRow, Value},
};

/// A stored row, shared between the key's map and those of the indexes.
///
/// Two are equal when they are one row that was stored once: what was written again is another,
/// also with values that compare as equal, as 0.0 and -0.0 do.
#[derive(Clone)]
pub(super) struct StoredRow(Arc<[Value]>);

impl PartialEq for StoredRow {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for StoredRow {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl From<&[Value]> for StoredRow {
    fn from(row: &[Value]) -> Self {
        Self(row.into())
    }
}

impl From<Vec<Value>> for StoredRow {
    fn from(row: Vec<Value>) -> Self {
        Self(row.into())
    }
}

/// A table's definition, and its state behind a lock that is never held for long.
pub(super) struct Table {
    pub(super) definition: Arc<TableDef>,
    /// The key first, then the declared indexes.
    pub(super) indexes: Vec<Index>,
    pub(super) links: RwLock<Links>,
    /// What happened, where somebody asked for it.
    pub(super) log: Log,
    /// Whether it refers to a table, or is referred to. Changes only while the state is locked.
    is_linked: AtomicBool,
    state: RwLock<State>,
}

/// What a table holds. Cloning it takes a few reference counts.
#[derive(Clone, Default)]
pub(super) struct State {
    /// Whether `setup_database` was called.
    ready: bool,
    /// One map for each index of the table.
    pub(super) entries: Vec<Entries>,
    /// The greatest generated key that was ever given or used.
    last_id: i64,
}

impl Table {
    pub(super) fn new(definition: Arc<TableDef>) -> Self {
        let key = Index {
            name: "the key".to_owned(),
            columns: definition.key.to_vec(),
            declared: definition.key.len(),
            unique: true,
        };
        let declared = definition.indexes.iter().map(|index| {
            let rest = definition.key.iter().filter(|column| !index.columns.contains(column));
            Index {
                name: format!("index `{}`", index.name),
                columns: index.columns.iter().chain(rest).copied().collect(),
                declared: index.columns.len(),
                unique: index.unique,
            }
        });
        let indexes: Vec<Index> = std::iter::once(key).chain(declared).collect();
        let entries = vec![Entries::new(); indexes.len()];
        let state = RwLock::new(State { ready: false, entries, last_id: 0 });
        let (links, is_linked) = (RwLock::default(), AtomicBool::new(false));
        Self { definition, indexes, links, log: Log::default(), is_linked, state }
    }

    /// Fails when `definition` has other columns, another key or other indexes.
    pub(super) fn check_same(&self, definition: &TableDef) -> Result<()> {
        let columns = |definition: &TableDef| -> Vec<_> {
            (definition.columns.iter())
                .map(|column| (column.name.clone(), column.column_type, column.nullable))
                .collect()
        };
        let ours = &self.definition;
        if columns(ours) == columns(definition)
            && ours.key == definition.key
            && ours.auto == definition.auto
            && ours.indexes.len() == definition.indexes.len()
            && ours.indexes.iter().all(|index| definition.indexes.contains(index))
            && ours.references.len() == definition.references.len()
            && (ours.references.iter().zip(&*definition.references))
                .all(|(own, other)| own.is_same(ours, other, definition))
            && ours.managed == definition.managed
        {
            Ok(())
        } else {
            Err(Error::schema(format!(
                "the store has a table `{}` with other columns, another key, other indexes or \
                 other references; \
                 give one of the two another name with `#[table(name = \"..\")]`",
                definition.full_name()
            )))
        }
    }

    /// The state as it is now; fails before `setup_database`.
    pub(super) fn read(&self) -> Result<RwLockReadGuard<'_, State>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.ready { Ok(state) } else { Err(self.not_set_up()) }
    }

    /// The state, to be changed; fails before `setup_database`.
    pub(super) fn write(&self) -> Result<RwLockWriteGuard<'_, State>> {
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.ready { Ok(state) } else { Err(self.not_set_up()) }
    }

    /// The state, to be changed, also before `setup_database`.
    pub(super) fn lock(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a change of it can concern other tables, or depends on them.
    pub(super) fn is_linked(&self) -> bool {
        self.is_linked.load(Relaxed)
    }

    pub(super) fn mark_as_linked(&self) {
        self.is_linked.store(true, Relaxed);
    }

    pub(super) fn is_set_up(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).ready
    }

    fn not_set_up(&self) -> Error {
        Error::no_table(&self.definition.full_name())
    }

    /// Writes rows into `state`, all or none.
    pub(super) fn write_rows(
        &self,
        state: &mut State,
        rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> Result<Vec<Option<EncodedRow>>> {
        let mut batch = Batch::new(self, state, rows.len());
        if let Some(auto) = self.definition.auto_integer()
            && rows.len() > 1
        {
            // Keys that are generated for this batch lie above those that it brings along.
            for row in &rows {
                batch.state.note_id(&row.0[auto]);
            }
        }
        let stored = (rows.into_iter())
            .map(|row| self.write_row(&mut batch, row, mode))
            .collect::<Result<Vec<_>>>()?;
        batch.keep();
        Ok(stored)
    }

    fn write_row(
        &self,
        batch: &mut Batch<'_>,
        mut row: EncodedRow,
        mode: WriteMode,
    ) -> Result<Option<EncodedRow>> {
        let state = &mut *batch.state;
        let auto = self.definition.auto_integer();
        if let Some(auto) = auto.filter(|&auto| row.0[auto].is_null()) {
            row.0[auto] = self.next_id(state, auto)?;
        }
        let existing = state.entries[0].get(&self.indexes[0].place(&row.0)).cloned();
        if existing.is_some() && mode != WriteMode::Put {
            return match mode {
                WriteMode::InsertIfAbsent => Ok(None),
                _ => Err(self.conflict(&self.indexes[0])),
            };
        }
        if mode == WriteMode::Put && self.definition.managed.changes_puts() {
            row = self.definition.stored_by_put(row, existing.as_deref())?;
        }
        if let Some(taken) = self.taken(state, &row.0, existing.as_ref()) {
            return match mode {
                WriteMode::InsertIfAbsent => Ok(None),
                _ => Err(self.conflict(taken)),
            };
        }
        batch.replace(existing, row.0.as_slice().into());
        if let Some(auto) = auto {
            batch.state.note_id(&row.0[auto]);
        }
        Ok(Some(row))
    }

    /// Puts in a row that is stored elsewhere as it is; fails where it is in another's way.
    pub(super) fn load_row(&self, state: &mut State, row: EncodedRow) -> Result<()> {
        if state.entries[0].contains_key(&self.indexes[0].place(&row.0)) {
            return Err(self.conflict(&self.indexes[0]));
        }
        if let Some(taken) = self.taken(state, &row.0, None) {
            return Err(self.conflict(taken));
        }
        if let Some(auto) = self.definition.auto_integer() {
            state.note_id(&row.0[auto]);
        }
        self.replace(state, None, &row.0.into());
        Ok(())
    }

    /// Changes one row, if it matches, and answers with the whole of it.
    pub(super) fn update_row(
        &self,
        state: &mut State,
        key: EncodedKey,
        condition: &FilterTree,
        assignments: &[Assignment],
    ) -> Result<Option<EncodedRow>> {
        let existing = state.entries[0].get(&SortKey::at(key.0));
        let existing = existing.filter(|row| condition.matches(row)).cloned();
        existing.map(|existing| self.change_row(state, &existing, assignments)).transpose()
    }

    /// Inserts a row, or changes the one that has its values in the `unique` columns.
    pub(super) fn upsert_row(
        &self,
        state: &mut State,
        row: EncodedRow,
        unique: &[usize],
        assignments: &[Assignment],
    ) -> Result<EncodedRow> {
        let holder = (self.indexes.iter().zip(&state.entries))
            .filter(|(index, _)| {
                index.unique && same_columns(&index.columns[..index.declared], unique)
            })
            .find_map(|(index, entries)| index.holder(entries, &row.0).cloned());
        if let Some(existing) = holder {
            return self.change_row(state, &existing, assignments);
        }
        let stored = self.write_rows(state, vec![row], WriteMode::Insert)?.pop().flatten();
        stored
            .ok_or_else(|| Error::backend("an insert stores its row or fails; this is a bug", None))
    }

    fn change_row(
        &self,
        state: &mut State,
        existing: &StoredRow,
        assignments: &[Assignment],
    ) -> Result<EncodedRow> {
        let row = self.assigned(existing, assignments)?;
        if let Some(taken) = self.taken(state, &row, Some(existing)) {
            return Err(self.conflict(taken));
        }
        self.replace(state, Some(existing), &row.as_slice().into());
        Ok(EncodedRow(row))
    }

    /// Changes rows that are there, all or none.
    pub(super) fn update_rows(
        &self,
        state: &mut State,
        rows: &[StoredRow],
        assignments: &[Assignment],
    ) -> Result<()> {
        let mut batch = Batch::new(self, state, 2 * rows.len());
        // All are taken out first, so that no row stands in the way of one that takes its place.
        for row in rows {
            batch.remove(row);
        }
        for row in rows {
            let row = self.assigned(row, assignments)?;
            if let Some(taken) = self.taken(batch.state, &row, None) {
                return Err(self.conflict(taken));
            }
            batch.replace(None, row.into());
        }
        batch.keep();
        Ok(())
    }

    /// What a stored row becomes by an update.
    fn assigned(&self, row: &[Value], assignments: &[Assignment]) -> Result<Vec<Value>> {
        let mut assigned = row.to_vec();
        for assignment in assignments {
            let column = assignment.column;
            assigned[column] = assignment.apply(&self.definition.columns[column], &row[column])?;
        }
        Ok(assigned)
    }

    /// Removes the row with that key, if it matches.
    pub(super) fn delete_row(
        &self,
        state: &mut State,
        key: EncodedKey,
        condition: &FilterTree,
    ) -> bool {
        let existing = state.entries[0].get(&SortKey::at(key.0));
        let existing = existing.filter(|row| condition.matches(row)).cloned();
        if let Some(existing) = &existing {
            self.remove(state, existing);
        }
        existing.is_some()
    }

    /// Removes a row that is there.
    pub(super) fn remove(&self, state: &mut State, row: &StoredRow) {
        for (index, entries) in self.indexes.iter().zip(&mut state.entries) {
            entries.remove(&index.place(row));
        }
    }

    pub(super) fn replace(&self, state: &mut State, existing: Option<&StoredRow>, row: &StoredRow) {
        for (index, entries) in self.indexes.iter().zip(&mut state.entries) {
            let place = index.place(row);
            if let Some(existing) = existing {
                let before = index.place(existing);
                if before != place {
                    entries.remove(&before);
                }
            }
            entries.insert(place, row.clone());
        }
    }

    /// The unique index in which another row than `existing` has these values. NULL is equal to
    /// nothing, so a row with a NULL takes no place in it.
    fn taken(&self, state: &State, row: &[Value], existing: Option<&StoredRow>) -> Option<&Index> {
        (self.indexes.iter().zip(&state.entries).skip(1)).find_map(|(index, entries)| {
            let holder = if index.unique { index.holder(entries, row)? } else { return None };
            let is_itself = existing == Some(holder);
            (!is_itself).then_some(index)
        })
    }

    fn conflict(&self, index: &Index) -> Error {
        let columns = index.columns[..index.declared].iter();
        let name = |&column: &usize| self.definition.columns[column].name.to_string();
        Error::conflict(columns.map(name).collect())
    }

    fn next_id(&self, state: &mut State, auto: usize) -> Result<Value> {
        let column = &self.definition.columns[auto];
        let next = state.last_id.checked_add(1).ok_or_else(|| {
            Error::validation(format!(
                "column `{}` has reached the greatest integer, so no key can be generated; \
                 give the key yourself",
                column.name
            ))
        })?;
        let next = Value::Int(next);
        column.check(&next)?;
        Ok(next)
    }
}

impl State {
    pub(super) const fn is_ready(&self) -> bool {
        self.ready
    }

    pub(super) const fn make_ready(&mut self) {
        self.ready = true;
    }

    /// Forgets everything, as before `setup_database`.
    #[cfg(any(target_family = "wasm", test))]
    pub(super) fn forget(&mut self) {
        self.clear();
        self.ready = false;
        self.last_id = 0;
    }

    /// Forgets every row, but not which keys were given.
    pub(super) fn clear(&mut self) {
        for entries in &mut self.entries {
            *entries = Entries::new();
        }
    }

    pub(super) const fn last_id(&self) -> i64 {
        self.last_id
    }

    /// Forgets the ids that were noted since `last_id` was the greatest.
    pub(super) const fn restore_last_id(&mut self, last_id: i64) {
        self.last_id = last_id;
    }

    pub(super) fn note_id(&mut self, id: &Value) {
        if let Value::Int(id) = *id {
            self.last_id = self.last_id.max(id);
        }
    }
}
