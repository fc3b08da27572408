//! What a database holds, and what became of it since a moment, in the form in which tabs tell each other.
//!
//! What was written is found by comparing tables with what they were: they are made of maps that share what
//! is the same, so that costs as much as was changed. Key-value stores are not; they note which keys were
//! touched while somebody listens.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::ordmap::DiffItem;

use super::{
    super::{
        changes::{Happened, Log},
        database::Database,
        index::SortKey,
        kv::KvTable,
        table::{State, StoredRow, Table},
    },
    codec::{Read, Reader, Writer},
    definition::{Find, read_kv, read_table, write_kv, write_table},
};
use crate::{
    definition::TableDef,
    error::{Error, Result},
    kv::KvDef,
    reference,
    value::{EncodedKey, EncodedRow, Value},
};

/// What the tables and stores of a database are to be compared with.
#[derive(Default)]
pub(super) struct Baseline {
    /// Those that were set up.
    tables: BTreeMap<String, (State, bool)>,
    /// Those that were set up, and whether they log.
    kv: BTreeMap<String, bool>,
}

/// Everything that a database holds, or what is to be done to one that holds what was before.
#[derive(Default)]
pub(super) struct Contents {
    tables: Vec<TableContents>,
    kv: Vec<KvContents>,
}

struct TableContents {
    definition: Definition<TableDef>,
    /// Whether its changes are logged.
    logs: bool,
    last_id: i64,
    /// Whether what was there is gone, before the rest is done.
    is_cleared: bool,
    removed: Vec<EncodedKey>,
    stored: Vec<EncodedRow>,
}

struct KvContents {
    definition: Definition<KvDef>,
    logs: bool,
    is_cleared: bool,
    removed: Vec<Value>,
    stored: Vec<[Value; 3]>,
}

/// Given whole when it is news.
enum Definition<D> {
    New(Arc<D>),
    Known(String),
}

impl<D> Definition<D> {
    fn write(&self, to: &mut Writer, whole: impl FnOnce(&mut Writer, &D)) {
        match self {
            Self::New(definition) => {
                to.truth(true);
                whole(to, definition);
            }
            Self::Known(name) => {
                to.truth(false);
                to.text(name);
            }
        }
    }

    fn read<'a>(
        from: &mut Reader<'a>,
        whole: impl FnOnce(&mut Reader<'a>) -> Read<Arc<D>>,
    ) -> Read<Self> {
        match from.option(whole)? {
            Some(definition) => Ok(Self::New(definition)),
            None => from.text().map(Self::Known),
        }
    }
}

impl Baseline {
    /// Begins to watch a database.
    pub(super) fn of(database: &Database) -> Self {
        let mut baseline = Self::default();
        for (name, table) in database.tables() {
            if let Ok(state) = table.read() {
                baseline.tables.insert(name, (state.clone(), table.log.is_on()));
            }
        }
        for (name, table) in database.kv_tables() {
            let mut state = table.lock();
            state.watch(true);
            if state.is_ready() {
                baseline.kv.insert(name, table.log.is_on());
            }
        }
        baseline
    }

    /// What was done to the database since it was asked last, or since it is watched.
    pub(super) fn take(&mut self, database: &Database) -> Contents {
        let mut contents = Contents::default();
        for (name, table) in database.tables() {
            let Ok(state) = table.read() else { continue };
            let logs = table.log.is_on();
            let before = self.tables.get(&name);
            let is_as_before = before.is_some_and(|(before, logged)| {
                *logged == logs && before.last_id() == state.last_id()
            });
            let before = before.map(|(before, _)| before);
            if is_as_before
                && before.is_some_and(|before| before.entries[0].ptr_eq(&state.entries[0]))
            {
                continue;
            }
            let done = TableContents::between(&table, before, &state, logs);
            // What was done and taken back leaves other nodes of the map, with the same rows.
            if !is_as_before || done.changes_rows() {
                contents.tables.push(done);
            }
            let state = state.clone();
            self.tables.insert(name, (state, logs));
        }
        for (name, table) in database.kv_tables() {
            let mut state = table.lock();
            let touched = state.take_touched();
            if !state.is_ready() {
                continue;
            }
            let logs = table.log.is_on();
            let before = self.kv.get(&name).copied();
            if before == Some(logs) && touched.is_empty() {
                continue;
            }
            let definition = match before {
                Some(_) => Definition::Known(name.clone()),
                None => Definition::New(Arc::clone(&table.definition)),
            };
            let (mut removed, mut stored) = (Vec::new(), Vec::new());
            let mut add = |key: &Value| match state.get(key) {
                Some(entry) => stored.push((**entry).clone()),
                None => removed.push(key.clone()),
            };
            match before {
                Some(_) => touched.keys().for_each(add),
                None => state.all().for_each(|entry| add(&entry[0])),
            }
            let is_cleared = before.is_none() || touched.is_cleared;
            contents.kv.push(KvContents { definition, logs, is_cleared, removed, stored });
            drop(state);
            self.kv.insert(name, logs);
        }
        contents.put_in_order();
        contents
    }

    /// Ends what [`Baseline::of`] began.
    pub(super) fn end(database: &Database) {
        for (_, table) in database.kv_tables() {
            table.lock().watch(false);
        }
    }
}

impl Contents {
    /// Everything that the database holds.
    pub(super) fn whole(database: &Database) -> Self {
        let mut contents = Self::default();
        for (_, table) in database.tables() {
            if let Ok(state) = table.read() {
                let logs = table.log.is_on();
                contents.tables.push(TableContents::between(&table, None, &state, logs));
            }
        }
        for (_, table) in database.kv_tables() {
            if let Ok(state) = table.read() {
                contents.kv.push(KvContents {
                    definition: Definition::New(Arc::clone(&table.definition)),
                    logs: table.log.is_on(),
                    is_cleared: true,
                    removed: Vec::new(),
                    stored: state.all().map(|entry| (**entry).clone()).collect(),
                });
            }
        }
        contents.put_in_order();
        contents
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.kv.is_empty()
    }

    /// Puts new tables behind those that they refer to.
    fn put_in_order(&mut self) {
        let new = (self.tables.iter()).filter_map(|table| match &table.definition {
            Definition::New(definition) => Some(definition),
            Definition::Known(_) => None,
        });
        // They are set up, so they refer to each other in no circle.
        let Ok(ordered) = reference::in_order(new.collect()) else { return };
        let place: BTreeMap<String, usize> = (ordered.iter().enumerate())
            .map(|(place, definition)| (definition.full_name().into_owned(), place))
            .collect();
        self.tables.sort_by_key(|table| place.get(&table.name()).copied());
    }

    pub(super) fn write(&self, to: &mut Writer) {
        to.list(&self.tables, |to, table| table.write(to));
        to.list(&self.kv, |to, kv| kv.write(to));
    }

    /// Reads contents for a database that has tables which they refer to.
    pub(super) fn read(from: &mut Reader<'_>, database: &Database) -> Read<Self> {
        let known: BTreeMap<String, Arc<TableDef>> = (database.tables().into_iter())
            .filter(|(_, table)| table.is_set_up())
            .map(|(name, table)| (name, Arc::clone(&table.definition)))
            .collect();
        let mut new = BTreeMap::new();
        let tables = from.list(|from| {
            let find = |name: &str| new.get(name).or_else(|| known.get(name)).cloned();
            let table = TableContents::read(from, &find)?;
            if let Definition::New(definition) = &table.definition {
                new.insert(table.name(), Arc::clone(definition));
            }
            Ok(table)
        })?;
        Ok(Self { tables, kv: from.list(KvContents::read)? })
    }

    /// Does to a database what was done to another.
    pub(super) fn apply(self, database: &Database) -> Result<()> {
        self.tables.into_iter().try_for_each(|table| table.apply(database))?;
        self.kv.into_iter().try_for_each(|kv| kv.apply(database))
    }

    /// Puts whole contents in the place of all that a database has. Logs of changes begin anew, since
    /// nobody can tell what was missed.
    pub(super) fn replace(self, database: &Database) -> Result<()> {
        for (_, table) in database.tables() {
            let mut state = table.lock();
            if state.is_ready() {
                state.forget();
                table.log.switch_off();
            }
        }
        for (_, table) in database.kv_tables() {
            let mut state = table.lock();
            if state.is_ready() {
                state.forget();
                table.log.switch_off();
            }
        }
        self.apply(database)
    }
}

impl TableContents {
    fn between(table: &Table, before: Option<&State>, after: &State, logs: bool) -> Self {
        let definition = match before {
            Some(_) => Definition::Known(table.definition.full_name().into_owned()),
            None => Definition::New(Arc::clone(&table.definition)),
        };
        let rows = &after.entries[0];
        let row = |row: &[Value]| EncodedRow(row.to_vec());
        let had_rows = before.is_some_and(|before| !before.entries[0].is_empty());
        let is_cleared = before.is_none() || (rows.is_empty() && had_rows);
        let (mut removed, mut stored) = (Vec::new(), Vec::new());
        match before {
            Some(before) if !is_cleared => {
                for difference in before.entries[0].diff(rows) {
                    match difference {
                        DiffItem::Add(_, new) | DiffItem::Update { new: (_, new), .. } => {
                            stored.push(row(new));
                        }
                        DiffItem::Remove(key, _) => removed.push(EncodedKey(key.values.clone())),
                    }
                }
            }
            _ => stored.extend(rows.values().map(|stored| row(stored))),
        }
        Self { definition, logs, last_id: after.last_id(), is_cleared, removed, stored }
    }

    fn changes_rows(&self) -> bool {
        self.is_cleared || !self.removed.is_empty() || !self.stored.is_empty()
    }

    fn name(&self) -> String {
        match &self.definition {
            Definition::New(definition) => definition.full_name().into_owned(),
            Definition::Known(name) => name.clone(),
        }
    }

    fn write(&self, to: &mut Writer) {
        self.definition.write(to, write_table);
        to.truth(self.logs);
        to.signed(self.last_id);
        to.truth(self.is_cleared);
        to.list(&self.removed, |to, key| to.values(key.values()));
        to.list(&self.stored, |to, row| to.values(&row.0));
    }

    fn read(from: &mut Reader<'_>, find: Find<'_>) -> Read<Self> {
        Ok(Self {
            definition: Definition::read(from, |from| read_table(from, find))?,
            logs: from.truth()?,
            last_id: from.signed()?,
            is_cleared: from.truth()?,
            removed: from.list(|from| from.values().map(EncodedKey::from))?,
            stored: from.list(|from| from.values().map(EncodedRow))?,
        })
    }

    fn apply(self, database: &Database) -> Result<()> {
        let table = match &self.definition {
            Definition::New(definition) => {
                let table = database.adopt(definition);
                database.set_up(&table, false)?;
                table
            }
            Definition::Known(name) => database.set_up_table(name).ok_or_else(unknown)?,
        };
        let columns = table.definition.columns.len();
        let fits = |row: &EncodedRow| row.0.len() == columns;
        if !self.stored.iter().all(fits) {
            return Err(unknown());
        }
        let mut state = table.lock();
        let mut happened = table.log.is_on().then(Vec::new);
        let mut note = |old, new| {
            if let Some(happened) = &mut happened {
                happened.push(Happened::new(old, new));
            }
        };
        if self.is_cleared {
            state.entries[0].values().for_each(|row| note(Some(row.clone()), None));
            state.clear();
        }
        for key in self.removed {
            if let Some(row) = state.entries[0].get(&SortKey::at(key.0)).cloned() {
                table.remove(&mut state, &row);
                note(Some(row), None);
            }
        }
        for row in self.stored {
            let row = StoredRow::from(row.0);
            let existing = state.entries[0].get(&table.indexes[0].place(&row)).cloned();
            table.replace(&mut state, existing.as_ref(), &row);
            note(existing, Some(row));
        }
        state.note_id(&Value::Int(self.last_id));
        follow_log(&table.log, happened, self.logs, database);
        Ok(())
    }
}

impl KvContents {
    fn write(&self, to: &mut Writer) {
        self.definition.write(to, write_kv);
        to.truth(self.logs);
        to.truth(self.is_cleared);
        to.values(&self.removed);
        to.list(&self.stored, |to, [key, value, expires_at]| {
            to.value(key);
            to.value(value);
            to.value(expires_at);
        });
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self {
            definition: Definition::read(from, read_kv)?,
            logs: from.truth()?,
            is_cleared: from.truth()?,
            removed: from.values()?,
            stored: from.list(|from| Ok([from.value()?, from.value()?, from.value()?]))?,
        })
    }

    fn apply(self, database: &Database) -> Result<()> {
        let table: Arc<KvTable> = match &self.definition {
            Definition::New(definition) => {
                let table = database.adopt_kv(definition);
                database.set_up_kv(&table, false)?;
                table
            }
            Definition::Known(name) => database.set_up_kv_table(name).ok_or_else(unknown)?,
        };
        let mut state = table.lock();
        let mut happened = table.log.is_on().then(Vec::new);
        state.follow(self.is_cleared, &self.removed, self.stored, happened.as_mut());
        follow_log(&table.log, happened, self.logs, database);
        Ok(())
    }
}

/// Adds what happened to a log, which then is on where the others have it on; called while the table is
/// locked.
fn follow_log(log: &Log, happened: Option<Vec<Happened>>, is_on: bool, database: &Database) {
    if let Some(happened) = happened {
        log.record(happened);
    }
    match (is_on, log.is_on()) {
        (true, false) => log.switch_on(database.retention()),
        (false, true) => log.switch_off(),
        _ => {}
    }
}

fn unknown() -> Error {
    Error::backend("another tab wrote to a table that this one does not have", None)
}
