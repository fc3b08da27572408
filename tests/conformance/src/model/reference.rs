//! The reference model: tables as plain lists of rows, searched from end to end. It is slow and
//! small on purpose, so that one can see that it is right.

use std::{cmp::Ordering, sync::Arc};

use storehouse_runtime::{
    Assignment, AssignmentKind, EncodedKey, EncodedRow, FilterTree, Selection, TableDef, Value,
    WriteMode,
};

use super::{
    aggregates,
    call::{Answer, Call, Refusal},
    logic,
};

/// The tables, as they are lasting and as an open transaction sees them.
pub(super) struct Reference {
    pub(super) lasting: Vec<Table>,
    pub(super) transaction: Option<Transaction>,
}

pub(super) struct Transaction {
    pub(super) now: Vec<Table>,
    pub(super) savepoints: Vec<Vec<Table>>,
}

#[derive(Clone)]
pub(super) struct Table {
    pub(super) definition: Arc<TableDef>,
    pub(super) ready: bool,
    pub(super) rows: Vec<Vec<Value>>,
    /// Every key that was ever generated or given, where keys are generated.
    used: Vec<i64>,
}

impl Reference {
    pub(super) fn new(definitions: &[Arc<TableDef>]) -> Self {
        let table = |definition: &Arc<TableDef>| Table {
            definition: Arc::clone(definition),
            ready: false,
            rows: Vec::new(),
            used: Vec::new(),
        };
        Self { lasting: definitions.iter().map(table).collect(), transaction: None }
    }

    /// A table as a call sees it.
    pub(super) fn table(&self, table: usize, beside: bool) -> &Table {
        match &self.transaction {
            Some(transaction) if !beside => &transaction.now[table],
            _ => &self.lasting[table],
        }
    }

    /// Does what a backend was asked for. `actual` is what the backend answered: generated keys
    /// are taken from there.
    ///
    /// Fails when such a key cannot be right.
    pub(super) fn answer(
        &mut self,
        table: usize,
        beside: bool,
        call: &Call,
        actual: &Answer,
    ) -> Result<Answer, String> {
        match call {
            Call::Begin => {
                let now = self.lasting.clone();
                self.transaction = Some(Transaction { now, savepoints: Vec::new() });
            }
            Call::Commit => {
                if let Some(transaction) = self.transaction.take() {
                    self.lasting = transaction.now;
                }
            }
            Call::RollBack | Call::DropTransaction => self.transaction = None,
            Call::Savepoint => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.savepoints.push(transaction.now.clone());
                }
            }
            Call::ReleaseSavepoint => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.savepoints.pop();
                }
            }
            Call::RollBackSavepoint => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.now = transaction.savepoints.pop().expect("there is a savepoint");
                }
            }
            Call::Reopen => {}
            call => {
                let table = match &mut self.transaction {
                    Some(transaction) if !beside => &mut transaction.now[table],
                    _ => &mut self.lasting[table],
                };
                return table.answer(call, actual);
            }
        }
        Ok(Answer::Done)
    }
}

impl Table {
    fn answer(&mut self, call: &Call, actual: &Answer) -> Result<Answer, String> {
        if let Call::SetUp = call {
            self.ready = true;
            return Ok(Answer::Done);
        }
        if !self.ready {
            return Ok(Answer::Failed(Refusal::expected("Schema")));
        }
        Ok(match call {
            Call::Get(key) => self.rows_of(std::slice::from_ref(key)),
            Call::GetMany(keys) => self.rows_of(keys),
            Call::Select { selection, stop_after } => {
                let mut rows = self.select(selection);
                if let Some(columns) = &selection.columns {
                    let some = |row: Vec<Value>| columns.iter().map(|&c| row[c].clone()).collect();
                    rows = rows.into_iter().map(some).collect();
                }
                rows.truncate(stop_after.unwrap_or(usize::MAX));
                Answer::Rows(rows.into_iter().enumerate().collect())
            }
            Call::Aggregate(aggregation) => {
                let rows = self.matching(&aggregation.filter);
                aggregates::answer(&self.definition, &rows, aggregation)
            }
            Call::Count(filter) => Answer::Count(self.matching(filter).len() as u64),
            Call::Write(rows, mode) => {
                let generated = self.generated(rows, actual)?;
                self.write(rows, *mode, &generated)
            }
            Call::Upsert(row, unique, assignments) => {
                if let Some(place) = self.holder(row, unique) {
                    return Ok(self.change(place, assignments));
                }
                let rows = std::slice::from_ref(row);
                let generated = self.generated(rows, actual)?;
                self.write(rows, WriteMode::Insert, &generated)
            }
            Call::Update(key, condition, assignments) => self.update(key, condition, assignments),
            Call::UpdateWhere(filter, assignments) => self.update_where(filter, assignments),
            Call::Delete(key, condition) => match self.find_matching(key, condition) {
                Some(place) => {
                    self.rows.remove(place);
                    Answer::Truth(true)
                }
                None => Answer::Truth(false),
            },
            Call::DeleteSearch(filter) => {
                let before = self.rows.len();
                self.rows.retain(|row| logic::evaluate(filter, row) != Some(true));
                Answer::Count((before - self.rows.len()) as u64)
            }
            Call::DeleteAll => {
                self.rows.clear();
                Answer::Done
            }
            other => panic!("`{}` is not a call to a table", other.name()),
        })
    }

    /// The key of a row, in key order.
    pub(super) fn key_of(&self, row: &[Value]) -> EncodedKey {
        self.definition.key.iter().map(|&column| row[column].clone()).collect()
    }

    fn find(&self, key: &EncodedKey) -> Option<usize> {
        self.rows.iter().position(|row| all_equal(self.key_of(row).values(), key.values()))
    }

    fn find_matching(&self, key: &EncodedKey, condition: &FilterTree) -> Option<usize> {
        let matches = |place: &usize| logic::evaluate(condition, &self.rows[*place]) == Some(true);
        self.find(key).filter(matches)
    }

    fn rows_of(&self, keys: &[EncodedKey]) -> Answer {
        let found = |(position, key)| Some((position, self.rows[self.find(key)?].clone()));
        Answer::Rows(keys.iter().enumerate().filter_map(found).collect())
    }

    fn matching(&self, filter: &FilterTree) -> Vec<Vec<Value>> {
        let matches = |row: &&Vec<Value>| logic::evaluate(filter, row) == Some(true);
        self.rows.iter().filter(matches).cloned().collect()
    }

    fn select(&self, selection: &Selection) -> Vec<Vec<Value>> {
        let order = &selection.order;
        let mut rows = self.matching(&selection.filter);
        rows.sort_by(|left, right| {
            let left = |place: usize| left[order[place].column].clone();
            let right = |place: usize| right[order[place].column].clone();
            logic::compare_in_order(order, left, right)
        });
        if let Some(after) = &selection.after {
            rows.retain(|row| {
                let row = |place: usize| row[order[place].column].clone();
                let after = |place: usize| after[place].clone();
                logic::compare_in_order(order, row, after) == Ordering::Greater
            });
        }
        let offset = usize::try_from(selection.offset).unwrap_or(usize::MAX).min(rows.len());
        rows.drain(..offset);
        let limit = selection.limit.unwrap_or(u64::MAX);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        rows
    }

    /// For each row the key that the backend generated for it, or one that stands for it where
    /// the backend does not tell. A key that was ever used, or comes with another row of the same
    /// call, is refused: it would have replaced that row.
    fn generated(&self, rows: &[EncodedRow], actual: &Answer) -> Result<Vec<Option<i64>>, String> {
        let Some(auto) = self.definition.auto_integer() else { return Ok(vec![None; rows.len()]) };
        let given = |row: &EncodedRow| match row.0[auto] {
            Value::Int(given) => Some(given),
            _ => None,
        };
        let mut taken = self.used.clone();
        taken.extend(rows.iter().filter_map(given));
        let mut keys = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            if given(row).is_some() {
                keys.push(None);
                continue;
            }
            let stored = match actual {
                Answer::Stored(stored) => {
                    stored.get(place).and_then(Option::as_ref).and_then(given)
                }
                _ => None,
            };
            if let Some(key) = stored {
                if taken.contains(&key) {
                    return Err(format!("the generated key {key} was used before: {taken:?}"));
                }
                taken.push(key);
            }
            let place = i64::try_from(place).expect("a bulk is not that long");
            keys.push(Some(stored.unwrap_or(i64::MIN + place)));
        }
        Ok(keys)
    }

    fn write(&mut self, rows: &[EncodedRow], mode: WriteMode, generated: &[Option<i64>]) -> Answer {
        let mut changed = self.clone();
        let mut stored = Vec::new();
        for (row, generated) in rows.iter().zip(generated) {
            let mut row = row.0.clone();
            if let (Some(auto), Some(generated)) = (self.definition.auto_integer(), generated) {
                row[auto] = Value::Int(*generated);
            }
            let there = changed.find(&self.key_of(&row));
            if mode == WriteMode::Put
                && !self.manage(&mut row, there.map(|place| &*changed.rows[place]))
            {
                // Which of several reasons is told is up to the engine.
                return conflict(self.constraints());
            }
            // Only a put takes the place of the row with its key.
            let mut clashes = changed.clashes(&row, there.filter(|_| mode == WriteMode::Put));
            if there.is_some() && mode != WriteMode::Put {
                clashes.push(changed.names(&self.definition.key));
            }
            if !clashes.is_empty() {
                if mode == WriteMode::InsertIfAbsent {
                    stored.push(None);
                    continue;
                }
                if self.definition.managed.version.is_some() {
                    clashes = self.constraints();
                }
                return conflict(clashes);
            }
            changed.note(&row);
            match there {
                Some(place) => changed.rows[place].clone_from(&row),
                None => changed.rows.push(row.clone()),
            }
            stored.push(Some(EncodedRow(row)));
        }
        *self = changed;
        Answer::Stored(stored)
    }

    /// Makes of a row that is put what is stored; `false` when it was read from another one.
    fn manage(&self, row: &mut [Value], there: Option<&[Value]>) -> bool {
        let managed = &self.definition.managed;
        if let (Some(created_at), Some(there)) = (managed.created_at, there) {
            row[created_at] = there[created_at].clone();
        }
        let Some(version) = managed.version else { return true };
        let stored = match there.map(|there| &there[version]) {
            Some(Value::Int(stored)) => *stored,
            _ => 0,
        };
        let fits = matches!(row[version], Value::Null) || row[version] == Value::Int(stored);
        row[version] = Value::Int(stored + 1);
        fits
    }

    /// Everything that a conflict may name.
    fn constraints(&self) -> Vec<Vec<String>> {
        let unique = self.definition.indexes.iter().filter(|index| index.unique);
        let version = self.definition.managed.version;
        unique
            .map(|index| self.names(&index.columns))
            .chain(version.map(|column| self.names(&[column])))
            .chain([self.names(&self.definition.key)])
            .collect()
    }

    fn update(
        &mut self,
        key: &EncodedKey,
        condition: &FilterTree,
        assignments: &[Assignment],
    ) -> Answer {
        let place = self.find_matching(key, condition);
        place.map_or(Answer::Stored(vec![None]), |place| self.change(place, assignments))
    }

    /// The row that has the same values in these columns.
    fn holder(&self, row: &EncodedRow, columns: &[usize]) -> Option<usize> {
        let same = |other: &Vec<Value>| {
            columns.iter().all(|&column| logic::equal(&other[column], &row.0[column]))
        };
        self.rows.iter().position(same)
    }

    fn change(&mut self, place: usize, assignments: &[Assignment]) -> Answer {
        let Some(row) = self.assigned(&self.rows[place], assignments) else {
            return Answer::Failed(Refusal::expected("Validation"));
        };
        let clashes = self.clashes(&row, Some(place));
        if !clashes.is_empty() {
            return conflict(clashes);
        }
        self.rows[place].clone_from(&row);
        Answer::Stored(vec![Some(EncodedRow(row))])
    }

    fn update_where(&mut self, filter: &FilterTree, assignments: &[Assignment]) -> Answer {
        let mut changed = self.clone();
        let mut places = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            if logic::evaluate(filter, row) == Some(true) {
                let Some(row) = self.assigned(row, assignments) else {
                    return Answer::Failed(Refusal::expected("Validation"));
                };
                changed.rows[place] = row;
                places.push(place);
            }
        }
        let clashes: Vec<_> = (places.iter())
            .flat_map(|&place| changed.clashes(&changed.rows[place], Some(place)))
            .collect();
        if !clashes.is_empty() {
            return conflict(clashes);
        }
        *self = changed;
        Answer::Count(places.len() as u64)
    }

    /// What a row becomes; `None` when a sum leaves the range of its column.
    fn assigned(&self, row: &[Value], assignments: &[Assignment]) -> Option<Vec<Value>> {
        let mut assigned = row.to_vec();
        for Assignment { column, value, kind } in assignments {
            assigned[*column] = match (kind, &row[*column], value) {
                (AssignmentKind::Increment, Value::Int(stored), Value::Int(by)) => {
                    let sum = i128::from(*stored) + i128::from(*by);
                    let (least, greatest) =
                        self.definition.columns[*column].column_type.integer_range()?;
                    let fits = (i128::from(least)..=i128::from(greatest)).contains(&sum);
                    Value::Int(i64::try_from(sum).ok().filter(|_| fits)?)
                }
                (AssignmentKind::Increment, Value::Float(stored), Value::Float(by)) => {
                    let sum = stored + by;
                    Value::Float(Some(sum).filter(|sum| sum.is_finite() || !stored.is_finite())?)
                }
                (AssignmentKind::Increment, ..) => Value::Null,
                _ => value.clone(),
            };
        }
        Some(assigned)
    }

    /// The unique indexes in which another row than the one at `there` has these values.
    fn clashes(&self, row: &[Value], there: Option<usize>) -> Vec<Vec<String>> {
        let pick = |row: &[Value], columns: &[usize]| -> Vec<Value> {
            columns.iter().map(|&column| row[column].clone()).collect()
        };
        (self.definition.indexes.iter())
            .filter(|index| index.unique)
            .filter(|index| {
                let values = pick(row, &index.columns);
                self.rows.iter().enumerate().any(|(place, other)| {
                    Some(place) != there && all_equal(&pick(other, &index.columns), &values)
                })
            })
            .map(|index| self.names(&index.columns))
            .collect()
    }

    fn names(&self, columns: &[usize]) -> Vec<String> {
        columns.iter().map(|&column| self.definition.columns[column].name.to_string()).collect()
    }

    fn note(&mut self, row: &[Value]) {
        if let Some(auto) = self.definition.auto_integer()
            && let Value::Int(key) = row[auto]
        {
            self.used.push(key);
        }
    }
}

fn all_equal(left: &[Value], right: &[Value]) -> bool {
    left.iter().zip(right).all(|(left, right)| logic::equal(left, right))
}

fn conflict(constraints: Vec<Vec<String>>) -> Answer {
    Answer::Failed(Refusal { constraints, ..Refusal::expected("Conflict") })
}
