//! References between tables in memory: which table stands to which, and what a change of one
//! means for the others.
//!
//! A change is made on copies of every table that it can concern, which cost a few reference
//! counts. It is held against the references as a whole, at its end, and put in place when they
//! all hold; so nothing has to be undone.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard, Weak},
};

use imbl::ordmap::DiffItem;

use super::changes;
use super::{
    index::{Index, SortKey},
    table::{State, StoredRow, Table},
};
use crate::{
    definition::TableDef,
    error::{Error, ReferenceProblem, Result},
    reference::{OnDelete, ReferenceDef},
    value::{KeyValues, Value},
};

/// How a table stands to others.
#[derive(Default)]
pub(super) struct Links {
    /// The table of each of its references; none where that is itself.
    parents: Vec<Option<Arc<Table>>>,
    /// The tables that refer to it, and by which of their references.
    children: Vec<(Weak<Table>, usize)>,
}

/// Tables by name: the order in which they are locked.
type Tables = BTreeMap<String, Arc<Table>>;

/// Makes the table ready, and known to those that it refers to. `find` finds a table by its name.
pub(super) fn set_up(table: &Arc<Table>, find: impl Fn(&str) -> Option<Arc<Table>>) -> Result<()> {
    let definition = &*table.definition;
    let mut parents = Vec::with_capacity(definition.references.len());
    let mut concerned = Tables::from([(name(table), Arc::clone(table))]);
    for reference in &*definition.references {
        if reference.is_to_itself(definition) {
            parents.push(None);
            continue;
        }
        let target = reference.target(definition);
        let parent = find(&target.full_name()).filter(|parent| parent.read().is_ok());
        let parent = parent.ok_or_else(|| must_be_first(definition, target))?;
        parent.check_same(target)?;
        concerned.insert(name(&parent), Arc::clone(&parent));
        parents.push(Some(parent));
    }
    // While all of them are locked, so that no change of one misses the new reference.
    let mut states: BTreeMap<_, _> =
        concerned.iter().map(|(name, table)| (name, table.lock())).collect();
    let Some(own) = states.get_mut(&name(table)) else { return Ok(()) };
    if own.is_ready() {
        return Ok(());
    }
    own.make_ready();
    for (reference, parent) in parents.iter().enumerate() {
        let parent = parent.as_ref().unwrap_or(table);
        let mut links = parent.links.write().unwrap_or_else(PoisonError::into_inner);
        links.children.push((Arc::downgrade(table), reference));
        parent.mark_as_linked();
    }
    if !parents.is_empty() {
        table.links.write().unwrap_or_else(PoisonError::into_inner).parents = parents;
        table.mark_as_linked();
    }
    Ok(())
}

fn must_be_first(definition: &TableDef, target: &TableDef) -> Error {
    Error::schema(format!(
        "table `{}` refers to table `{1}`, which does not exist; set up `{1}` first, or both \
         together with `store.setup_database::<(..)>()`",
        definition.full_name(),
        target.full_name()
    ))
}

fn name(table: &Table) -> String {
    table.definition.full_name().into_owned()
}

/// The tables that a change of this one can concern: those that it refers to, itself, and those
/// that refer to it, and to those in turn.
pub(super) fn concerned(table: &Arc<Table>) -> Tables {
    let mut all = Tables::from([(name(table), Arc::clone(table))]);
    let mut waiting = vec![Arc::clone(table)];
    while let Some(next) = waiting.pop() {
        for (child, _) in children(&next) {
            if all.insert(name(&child), Arc::clone(&child)).is_none() {
                waiting.push(child);
            }
        }
    }
    let links = table.links.read().unwrap_or_else(PoisonError::into_inner);
    for parent in links.parents.iter().flatten() {
        all.entry(name(parent)).or_insert_with(|| Arc::clone(parent));
    }
    all
}

fn children(table: &Table) -> Vec<(Arc<Table>, usize)> {
    let links = table.links.read().unwrap_or_else(PoisonError::into_inner);
    (links.children.iter())
        .filter_map(|(child, reference)| Some((child.upgrade()?, *reference)))
        .collect()
}

/// A table's state, locked: for reading only, where no change can reach it.
enum Locked<'a> {
    Read(RwLockReadGuard<'a, State>),
    Write(RwLockWriteGuard<'a, State>),
}

/// Changes a table that stands in references, and every other as they say.
pub(super) fn change<R>(
    table: &Arc<Table>,
    change: impl FnOnce(&mut State) -> Result<R>,
) -> Result<R> {
    loop {
        let tables = concerned(table);
        let parents = only_parents(table, &tables);
        let mut locked = Vec::with_capacity(tables.len());
        for (name, table) in &tables {
            locked.push(if parents.contains(&name.as_str()) {
                Locked::Read(table.read()?)
            } else {
                Locked::Write(table.write()?)
            });
        }
        // One more table that refers to this may have been set up before all were locked.
        if !concerned(table).keys().eq(tables.keys()) {
            continue;
        }
        let members = (tables.values().zip(&locked)).map(|(table, locked)| {
            let state = match locked {
                Locked::Read(state) => State::clone(state),
                Locked::Write(state) => State::clone(state),
            };
            (Arc::clone(table), state)
        });
        let mut joint = Joint(members.collect());
        let answer = joint.change(table, change)?;
        for ((table, state), locked) in joint.0.into_iter().zip(locked) {
            if let Locked::Write(mut locked) = locked {
                if table.log.is_on() {
                    table.log.record(changes::between(&locked, &state));
                }
                *locked = state;
            }
        }
        return Ok(answer);
    }
}

/// Those that the table refers to, and that do not refer to it.
fn only_parents<'a>(table: &Table, tables: &'a Tables) -> Vec<&'a str> {
    let links = table.links.read().unwrap_or_else(PoisonError::into_inner);
    let is_parent = |other: &Arc<Table>| {
        links.parents.iter().flatten().any(|parent| Arc::ptr_eq(parent, other))
    };
    // Two tables never refer to each other, so whoever is referred to refers to nobody here.
    (tables.iter()).filter(|(_, other)| is_parent(other)).map(|(name, _)| name.as_str()).collect()
}

/// Tables that are changed together.
pub(super) struct Joint(pub(super) Vec<(Arc<Table>, State)>);

/// A row that was deleted, or has other values now.
struct Gone {
    table: Arc<Table>,
    row: StoredRow,
    is_deleted: bool,
}

/// A reference that has to hold at the end of the change, since it is restricted.
struct Restricted {
    parent: Arc<Table>,
    child: Arc<Table>,
    reference: usize,
    value: Value,
}

impl Joint {
    /// Changes one of the tables, and the others as the references say.
    pub(super) fn change<R>(
        &mut self,
        table: &Arc<Table>,
        change: impl FnOnce(&mut State) -> Result<R>,
    ) -> Result<R> {
        let state = self.state(table);
        let before = state.clone();
        let answer = change(state)?;
        let mut arrived = Vec::new();
        let mut gone = VecDeque::new();
        let mut add = |row: &StoredRow, is_deleted| {
            gone.push_back(Gone { table: Arc::clone(table), row: row.clone(), is_deleted });
        };
        for difference in before.entries[0].diff(&state.entries[0]) {
            match difference {
                DiffItem::Add(_, row) => arrived.push(row.clone()),
                DiffItem::Update { old: (_, old), new: (_, new) } => {
                    add(old, false);
                    arrived.push(new.clone());
                }
                DiffItem::Remove(_, row) => add(row, true),
            }
        }
        self.follow(gone)?;
        self.check_arrived(table, &arrived)?;
        Ok(answer)
    }

    fn state(&mut self, table: &Arc<Table>) -> &mut State {
        let member = self.0.iter_mut().find(|(member, _)| Arc::ptr_eq(member, table));
        match member {
            Some((_, state)) => state,
            None => unreachable!("every table that a change concerns takes part in it"),
        }
    }

    /// Does what the references say about rows that are gone, and about those that go with them.
    fn follow(&mut self, mut gone: VecDeque<Gone>) -> Result<()> {
        let mut restricted = Vec::new();
        while let Some(Gone { table, row, is_deleted }) = gone.pop_front() {
            for (child, reference) in children(&table) {
                let ReferenceDef { column, referenced, on_delete, .. } =
                    child.definition.references[reference];
                let value = &row[referenced];
                // Another row, or the same one, may have the value now.
                if value.is_null() || table.has(self.state(&table), referenced, value) {
                    continue;
                }
                let state = self.state(&child);
                let rows = child.rows_with(state, column, value);
                match on_delete {
                    _ if rows.is_empty() => {}
                    OnDelete::Cascade if is_deleted => {
                        for row in rows {
                            child.remove(state, &row);
                            gone.push_back(Gone { table: Arc::clone(&child), row, is_deleted });
                        }
                    }
                    OnDelete::SetNull if is_deleted => {
                        for row in rows {
                            let mut changed = row.to_vec();
                            changed[column] = Value::Null;
                            child.replace(state, Some(&row), &changed.into());
                            let table = Arc::clone(&child);
                            gone.push_back(Gone { table, row, is_deleted: false });
                        }
                    }
                    _ => restricted.push(Restricted {
                        parent: Arc::clone(&table),
                        child,
                        reference,
                        value: value.clone(),
                    }),
                }
            }
        }
        restricted.iter().try_for_each(|restricted| self.check_restricted(restricted))
    }

    /// Rows that referred to what is gone may be gone themselves by now.
    fn check_restricted(&mut self, restricted: &Restricted) -> Result<()> {
        let Restricted { parent, child, reference, value } = restricted;
        let definition = &child.definition;
        let ReferenceDef { column, referenced, .. } = definition.references[*reference];
        let holds = parent.has(self.state(parent), referenced, value)
            || child.rows_with(self.state(child), column, value).is_empty();
        if holds {
            return Ok(());
        }
        let columns = vec![definition.columns[column].name.to_string()];
        Err(Error::reference(ReferenceProblem::InUse, columns, definition.full_name()))
    }

    /// What the new and changed rows refer to has to be there, unless they went away again.
    fn check_arrived(&mut self, table: &Arc<Table>, arrived: &[StoredRow]) -> Result<()> {
        let definition = &table.definition;
        for (position, reference) in definition.references.iter().enumerate() {
            let links = table.links.read().unwrap_or_else(PoisonError::into_inner);
            let parent = links.parents.get(position).cloned().flatten();
            drop(links);
            let parent = parent.as_ref().unwrap_or(table);
            for row in arrived {
                let Some(row) = table.current(self.state(table), row) else { continue };
                let value = &row[reference.column];
                if value.is_null() || parent.has(self.state(parent), reference.referenced, value) {
                    continue;
                }
                let columns = vec![definition.columns[reference.column].name.to_string()];
                let target = reference.target(definition).full_name();
                return Err(Error::reference(ReferenceProblem::Missing, columns, target));
            }
        }
        Ok(())
    }
}

impl Table {
    /// Whether a row has the value in the column.
    fn has(&self, state: &State, column: usize, value: &Value) -> bool {
        self.first_with(state, column, value).is_some()
    }

    /// The row that has the key of `row` now.
    fn current(&self, state: &State, row: &[Value]) -> Option<StoredRow> {
        state.entries[0].get(&self.indexes[0].place(row)).cloned()
    }

    /// A row with that value in the column.
    fn first_with(&self, state: &State, column: usize, value: &Value) -> Option<StoredRow> {
        self.with_value(state, column, value, 1).pop()
    }

    /// The rows with that value in the column.
    fn rows_with(&self, state: &State, column: usize, value: &Value) -> Vec<StoredRow> {
        self.with_value(state, column, value, usize::MAX)
    }

    fn with_value(
        &self,
        state: &State,
        column: usize,
        value: &Value,
        limit: usize,
    ) -> Vec<StoredRow> {
        let begins = |index: &Index| index.columns.first() == Some(&column);
        if let Some(index) = self.indexes.iter().position(begins) {
            let values: KeyValues = std::iter::once(value.clone()).collect();
            let range = SortKey::at(values.clone())..SortKey::above(values);
            let found = state.entries[index].range(range);
            return found.take(limit).map(|(_, row)| row.clone()).collect();
        }
        let has_value = |row: &&StoredRow| row[column].compare(value).is_eq();
        state.entries[0].values().filter(has_value).take(limit).cloned().collect()
    }
}
