//! One round: a list of operations, done by a backend and by the model, and compared after each.

use std::{sync::Arc, time::Duration};

use storehouse_runtime::{
    Assignment, AssignmentKind, Capabilities, Direction, DynBackend, EncodedKey, EncodedRow,
    FilterTree, OrderTerm, Selection, TableDef, Value,
};

use super::{
    Tally,
    call::{Answer, Brief, Call},
    operations::{Action, After, Key, Operation, Row, Select, Twin},
    reference::{Reference, Table},
    subject::Subject,
};
use crate::guard;

/// A round takes a fraction of a second; a backend that is not done by then hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// How deep savepoints are nested.
const DEEPEST: usize = 3;

/// A difference between a backend and the model, and what led to it.
pub(super) struct Difference {
    /// How many operations were made, the one that differed included.
    pub(super) operations: usize,
    /// The calls that were made, in words.
    pub(super) story: Vec<String>,
    pub(super) what: String,
}

/// What a round needs.
pub(super) struct Round<'a, Open> {
    pub(super) open: &'a Open,
    pub(super) definitions: &'a [Arc<TableDef>],
    pub(super) reads_beside_transactions: bool,
}

impl<Open: AsyncFn(&str) -> Arc<dyn DynBackend>> Round<'_, Open> {
    /// Does the operations in a new database of that name.
    pub(super) async fn play(
        &self,
        database: &str,
        operations: &[Operation],
        tally: &mut Tally,
    ) -> Result<(), Difference> {
        let mut state = Playing {
            round: self,
            database,
            capabilities: Capabilities::default(),
            reference: Reference::new(self.definitions),
            subject: None,
            story: Vec::new(),
        };
        let mut operations_made = 0;
        let play = async {
            state.open().await?;
            for operation in operations {
                operations_made += 1;
                state.step(operation, tally).await?;
            }
            state.compare_tables().await
        };
        let what = match guard::run(play, PATIENCE).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(what)) | Err(what) => what,
        };
        Err(Difference { operations: operations_made, story: state.story, what })
    }
}

struct Playing<'a, Open> {
    round: &'a Round<'a, Open>,
    database: &'a str,
    capabilities: Capabilities,
    reference: Reference,
    subject: Option<Subject>,
    story: Vec<String>,
}

impl<Open: AsyncFn(&str) -> Arc<dyn DynBackend>> Playing<'_, Open> {
    async fn open(&mut self) -> Result<(), String> {
        // The one before is closed first: not every database can be opened twice.
        self.subject = None;
        let backend = (self.round.open)(self.database).await;
        self.capabilities = backend.capabilities();
        if !self.capabilities.writable {
            return Err("the model needs a backend that can be written to".into());
        }
        let subject = Subject::new(backend, self.round.definitions)
            .map_err(|error| format!("a table cannot be opened: {error}"))?;
        self.subject = Some(subject);
        Ok(())
    }

    async fn step(&mut self, operation: &Operation, tally: &mut Tally) -> Result<(), String> {
        let Some((beside, call)) = self.resolve(operation) else { return Ok(()) };
        let place = match &self.reference.transaction {
            Some(_) if beside => ", beside the transaction",
            Some(_) => ", in the transaction",
            None => "",
        };
        let number = self.story.len() + 1;
        self.story.push(format!("{number}. table {}{place}: {}", operation.table, Brief(&call)));
        let actual = if let Call::Reopen = call {
            self.open().await?;
            Answer::Done
        } else {
            self.ask(operation.table, beside, call.clone()).await
        };
        tally.add(&call, &actual);
        let expected = self.reference.answer(operation.table, beside, &call, &actual)?;
        if !expected.is_met_by(&actual) {
            return Err(format!(
                "the answer differs\nexpected: {}\nfound:    {}",
                Brief(&expected),
                Brief(&actual)
            ));
        }
        if call.writes() { self.compare_tables().await } else { Ok(()) }
    }

    async fn ask(&mut self, table: usize, beside: bool, call: Call) -> Answer {
        let subject = self.subject.as_mut().expect("the backend was opened");
        subject.answer(table, beside, call).await
    }

    /// Compares the whole of every table, as the open transaction sees it and as others do.
    async fn compare_tables(&mut self) -> Result<(), String> {
        let mut views = vec![false];
        if self.reference.transaction.is_some() && self.round.reads_beside_transactions {
            views.push(true);
        }
        for beside in views {
            for table in 0..self.round.definitions.len() {
                if !self.reference.table(table, beside).ready {
                    continue;
                }
                let call = everything(&self.round.definitions[table]);
                let actual = self.ask(table, beside, call.clone()).await;
                let expected = self.reference.answer(table, beside, &call, &actual)?;
                if !expected.is_met_by(&actual) {
                    let view = if beside { ", seen beside the transaction," } else { "" };
                    return Err(format!(
                        "table {table}{view} differs\nexpected: {}\nfound:    {}",
                        Brief(&expected),
                        Brief(&actual)
                    ));
                }
            }
        }
        Ok(())
    }

    /// Looks up what an operation speaks of; `None` when it makes no sense as things are.
    fn resolve(&self, operation: &Operation) -> Option<(bool, Call)> {
        let transaction = self.reference.transaction.as_ref();
        let savepoints = transaction.map_or(0, |transaction| transaction.savepoints.len());
        let reads = matches!(
            operation.action,
            Action::Get(_)
                | Action::GetMany(_)
                | Action::Select(_)
                | Action::Aggregate(_)
                | Action::Count(_)
        );
        let beside = operation.beside && reads && self.round.reads_beside_transactions;
        let table = self.reference.table(operation.table, beside);
        let possible = |possible: bool, call: Call| possible.then_some(call);
        let call = match &operation.action {
            Action::SetUp => possible(transaction.is_none(), Call::SetUp),
            Action::Get(key) => resolve_key(table, key).map(Call::Get),
            Action::GetMany(keys) => {
                let keys: Option<_> = keys.iter().map(|key| resolve_key(table, key)).collect();
                keys.map(Call::GetMany)
            }
            Action::Select(select) => resolve_select(table, select),
            Action::Aggregate(aggregation) => Some(Call::Aggregate(aggregation.clone())),
            Action::Count(filter) => Some(Call::Count(filter.clone())),
            Action::Write(rows, mode) => {
                let rows = rows.iter().map(|row| resolve_row(table, row)).collect();
                Some(Call::Write(rows, *mode))
            }
            Action::Upsert { row, unique, assignments } => {
                let row = resolve_row(table, row);
                let definition = &table.definition;
                let mut candidates = vec![definition.key.to_vec()];
                let indexes = definition.indexes.iter().filter(|index| index.unique);
                let has_key = |columns: &Vec<usize>| {
                    definition.key.iter().all(|column| columns.contains(column))
                };
                let columns = indexes.map(|index| index.columns.to_vec());
                candidates.extend(columns.filter(|columns| !has_key(columns)));
                let unique = candidates.swap_remove(unique % candidates.len());
                Some(Call::Upsert(row, unique, assignments.clone()))
            }
            Action::Update(key, condition, assignments, twin) => {
                let assignments = resolve_assignments(table, assignments, *twin);
                let call = |key| Call::Update(key, condition.clone(), assignments);
                resolve_key(table, key).map(call)
            }
            Action::UpdateWhere(filter, assignments, twin) => {
                let assignments = resolve_assignments(table, assignments, *twin);
                Some(Call::UpdateWhere(filter.clone(), assignments))
            }
            Action::Delete(key, condition) => {
                resolve_key(table, key).map(|key| Call::Delete(key, condition.clone()))
            }
            Action::DeleteSearch(filter) => Some(Call::DeleteSearch(filter.clone())),
            Action::DeleteAll => Some(Call::DeleteAll),
            Action::Begin => {
                possible(transaction.is_none() && self.capabilities.transactions, Call::Begin)
            }
            Action::Commit => possible(transaction.is_some(), Call::Commit),
            Action::RollBack => possible(transaction.is_some(), Call::RollBack),
            Action::DropTransaction => possible(transaction.is_some(), Call::DropTransaction),
            Action::Savepoint => possible(
                transaction.is_some() && self.capabilities.savepoints && savepoints < DEEPEST,
                Call::Savepoint,
            ),
            Action::ReleaseSavepoint => possible(savepoints > 0, Call::ReleaseSavepoint),
            Action::RollBackSavepoint => possible(savepoints > 0, Call::RollBackSavepoint),
            Action::Reopen => {
                possible(transaction.is_none() && self.capabilities.persistent, Call::Reopen)
            }
        }?;
        Some((beside, call))
    }
}

fn resolve_key(table: &Table, key: &Key) -> Option<EncodedKey> {
    match key {
        Key::Given(key) => Some(key.clone()),
        Key::OfRow(_) if table.rows.is_empty() => None,
        Key::OfRow(row) => Some(table.key_of(&table.rows[row % table.rows.len()])),
    }
}

fn resolve_row(table: &Table, row: &Row) -> EncodedRow {
    let mut values = row.values.clone();
    if let Some(other) = row.key_of
        && let Some(key) = resolve_key(table, &Key::OfRow(other))
    {
        for (&column, value) in table.definition.key.iter().zip(key.into_values()) {
            values.0[column] = value;
        }
    }
    for (column, value) in unique_values(table, row.twin) {
        values.0[column] = value;
    }
    // The model's own rows must be such as handles let through.
    table.definition.check_row(&values).expect("a random row fits its table");
    values
}

fn resolve_assignments(
    table: &Table,
    assignments: &[Assignment],
    twin: Option<Twin>,
) -> Vec<Assignment> {
    let mut assignments = assignments.to_vec();
    let increments = |assignment: &Assignment| assignment.kind == AssignmentKind::Increment;
    let twin = twin.filter(|_| !assignments.iter().any(increments));
    for (column, value) in unique_values(table, twin) {
        assignments.retain(|assignment| assignment.column != column);
        assignments.push(Assignment::set(column, value));
    }
    assignments
}

/// The columns of a row that are in unique indexes and not in the key, with their values.
fn unique_values(table: &Table, twin: Option<Twin>) -> Vec<(usize, Value)> {
    let Some(Twin(place)) = twin.filter(|_| !table.rows.is_empty()) else { return Vec::new() };
    let row = &table.rows[place % table.rows.len()];
    let definition = &table.definition;
    (0..row.len())
        .filter(|column| !definition.key.contains(column))
        .filter(|column| {
            definition.indexes.iter().any(|index| index.unique && index.columns.contains(column))
        })
        .map(|column| (column, row[column].clone()))
        .collect()
}

fn resolve_select(table: &Table, select: &Select) -> Option<Call> {
    let after = match &select.after {
        None => None,
        Some(After::Values(values)) => Some(values.clone()),
        Some(After::Row(_)) if table.rows.is_empty() => return None,
        Some(After::Row(row)) => {
            let row = &table.rows[row % table.rows.len()];
            Some(select.order.iter().map(|term| row[term.column].clone()).collect())
        }
    };
    let selection = Selection {
        filter: select.filter.clone(),
        order: select.order.clone(),
        after,
        limit: select.limit,
        offset: select.offset,
        lock: None,
        columns: select.columns.clone(),
    };
    Some(Call::Select { selection, stop_after: select.stop_after })
}

/// Every row, in the order of the key.
fn everything(definition: &TableDef) -> Call {
    let term = |&column: &usize| OrderTerm { column, direction: Direction::Ascending };
    let selection = Selection {
        filter: FilterTree::all(),
        order: definition.key.iter().map(term).collect(),
        after: None,
        limit: None,
        offset: 0,
        lock: None,
        columns: None,
    };
    Call::Select { selection, stop_after: None }
}
