//! The smallest backend that the suite accepts: rows in a map, one lock, no transactions.
//!
//! It stands for a third party's, is what docs/writing-a-backend.md explains, and shows that the
//! suite holds for a backend that lacks what it can lack.
#![cfg(not(target_family = "wasm"))]

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use storehouse_conformance::{
    model::{self, Options},
    native::block_on,
};
use storehouse_runtime::{
    Aggregation, Assignment, Backend, Capabilities, Direction, DynBackend, DynTabularStorage,
    EncodedKey, EncodedRow, EngineId, Error, FilterTree, OrderTerm, Result, RowSink, Selection,
    Store, TableDef, TabularStorage, Value, WriteMode, codec::RowRef, compare_rows,
};

/// A database: its tables by name.
struct Shelf {
    engine: EngineId,
    tables: Mutex<BTreeMap<String, Arc<Table>>>,
}

struct Table {
    definition: Arc<TableDef>,
    content: Mutex<Content>,
}

#[derive(Clone, Default)]
struct Content {
    ready: bool,
    rows: BTreeMap<EncodedKey, Vec<Value>>,
    last_id: i64,
}

impl Shelf {
    fn new() -> Self {
        Self { engine: EngineId::new(), tables: Mutex::default() }
    }
}

fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::default();
    capabilities.writable = true;
    capabilities
}

impl Backend for Shelf {
    fn name(&self) -> &'static str {
        "shelf"
    }

    fn engine(&self) -> EngineId {
        self.engine
    }

    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let name = definition.full_name().into_owned();
        let table = tables.entry(name.clone()).or_insert_with(|| {
            let definition = Arc::clone(definition);
            Arc::new(Table { definition, content: Mutex::default() })
        });
        let shape = |definition: &TableDef| -> Vec<_> {
            (definition.columns.iter())
                .map(|column| (column.name.clone(), column.column_type, column.nullable))
                .collect()
        };
        if shape(&table.definition) != shape(definition) {
            return Err(Error::schema(format!(
                "`{name}` has other columns; rename one of the two"
            )));
        }
        Ok(Arc::new(Storage(Arc::clone(table))))
    }
}

struct Storage(Arc<Table>);

impl Storage {
    /// The rows, locked; an error before the table is set up.
    fn content(&self) -> Result<MutexGuard<'_, Content>> {
        let content = self.0.content.lock().unwrap_or_else(PoisonError::into_inner);
        if content.ready {
            return Ok(content);
        }
        let name = self.0.definition.full_name();
        Err(Error::schema(format!("table `{name}` is missing; call `setup_database()` first")))
    }

    fn hand_over(
        &self,
        rows: impl IntoIterator<Item = (usize, Vec<Value>)>,
        mut sink: RowSink,
    ) -> Result<RowSink> {
        for (position, row) in rows {
            let next = sink
                .receive(position, &mut RowRef(&row))
                .map_err(|error| error.into_error(&self.0.definition))?;
            if let ControlFlow::Break(()) = next {
                break;
            }
        }
        Ok(sink)
    }
}

impl Table {
    fn key_of(&self, row: &[Value]) -> EncodedKey {
        self.definition.key.iter().map(|&column| row[column].clone()).collect()
    }

    /// The columns of a unique index in which another row than that with the same key has the
    /// same values. NULL is never the same.
    fn clash(&self, content: &Content, row: &[Value]) -> Option<Vec<String>> {
        let unique = self.definition.indexes.iter().filter(|index| index.unique);
        let same = |other: &[Value], columns: &[usize]| {
            columns.iter().all(|&column| {
                !other[column].is_null() && other[column].compare(&row[column]).is_eq()
            })
        };
        let key = self.key_of(row);
        unique
            .map(|index| &*index.columns)
            .find(|columns| {
                content
                    .rows
                    .iter()
                    .any(|(other_key, other)| *other_key != key && same(other, columns))
            })
            .map(|columns| self.names(columns))
    }

    fn assign(&self, row: &mut [Value], assignments: &[Assignment]) -> Result<()> {
        for assignment in assignments {
            let column = assignment.column;
            row[column] = assignment.apply(&self.definition.columns[column], &row[column])?;
        }
        Ok(())
    }

    fn names(&self, columns: &[usize]) -> Vec<String> {
        columns.iter().map(|&column| self.definition.columns[column].name.to_string()).collect()
    }

    fn write(
        &self,
        content: &mut Content,
        mut row: Vec<Value>,
        mode: WriteMode,
    ) -> Result<Option<EncodedRow>> {
        if let Some(auto) = self.definition.auto_integer() {
            if row[auto].is_null() {
                let next = content.last_id.checked_add(1).map(Value::Int);
                let next = next.filter(|next| self.definition.columns[auto].check(next).is_ok());
                row[auto] = next.ok_or_else(|| Error::validation("the keys are used up"))?;
            }
            note_id(content, &row[auto]);
        }
        let key = self.key_of(&row);
        if mode == WriteMode::Put {
            let stored = content.rows.get(&key);
            row = self.definition.stored_by_put(EncodedRow(row), stored.map(|row| &**row))?.0;
        }
        let taken = (mode != WriteMode::Put && content.rows.contains_key(&key))
            .then(|| self.names(&self.definition.key))
            .or_else(|| self.clash(content, &row));
        match (taken, mode) {
            (Some(_), WriteMode::InsertIfAbsent) => return Ok(None),
            (Some(columns), _) => return Err(Error::conflict(columns)),
            (None, _) => {}
        }
        content.rows.insert(key, row.clone());
        Ok(Some(EncodedRow(row)))
    }
}

fn note_id(content: &mut Content, id: &Value) {
    if let Value::Int(id) = *id {
        content.last_id = content.last_id.max(id);
    }
}

/// How a row stands to the place where a page ended.
fn compare_to_place(order: &[OrderTerm], row: &[Value], place: &[Value]) -> Ordering {
    let compared = order.iter().zip(place).map(|(term, value)| {
        let ordering = row[term.column].compare(value);
        if term.direction == Direction::Descending { ordering.reverse() } else { ordering }
    });
    compared.fold(Ordering::Equal, Ordering::then)
}

impl TabularStorage for Storage {
    fn definition(&self) -> &Arc<TableDef> {
        &self.0.definition
    }

    fn backend(&self) -> &'static str {
        "shelf"
    }

    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    async fn setup_database(&self) -> Result<()> {
        self.0.content.lock().unwrap_or_else(PoisonError::into_inner).ready = true;
        Ok(())
    }

    async fn get(&self, key: EncodedKey, rows: RowSink) -> Result<RowSink> {
        TabularStorage::get_many(self, vec![key], rows).await
    }

    async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        let content = self.content()?.clone();
        let found = (keys.iter().enumerate())
            .filter_map(|(place, key)| Some((place, content.rows.get(key)?.clone())));
        self.hand_over(found, rows)
    }

    async fn select(&self, selection: Selection, rows: RowSink) -> Result<RowSink> {
        let mut found: Vec<_> = self.content()?.rows.values().cloned().collect();
        found.retain(|row| selection.filter.matches(row));
        found.sort_by(|left, right| compare_rows(&selection.order, left, right));
        if let Some(place) = &selection.after {
            found.retain(|row| compare_to_place(&selection.order, row, place).is_gt());
        }
        let offset = usize::try_from(selection.offset).unwrap_or(usize::MAX);
        let limit = selection.limit.and_then(|limit| usize::try_from(limit).ok());
        let page = found.into_iter().skip(offset).take(limit.unwrap_or(usize::MAX));
        self.hand_over(page.enumerate(), selection.receiver(rows))
    }

    async fn aggregate(&self, aggregation: Aggregation, rows: RowSink) -> Result<RowSink> {
        let content = self.content()?;
        let found = content.rows.values().map(Vec::as_slice);
        let found = found.filter(|row| aggregation.filter.matches(row));
        aggregation.evaluate(&self.0.definition, found, rows)
    }

    async fn count(&self, filter: FilterTree) -> Result<u64> {
        Ok(self.content()?.rows.values().filter(|row| filter.matches(row)).count() as u64)
    }

    async fn write(
        &self,
        rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> Result<Vec<Option<EncodedRow>>> {
        let mut content = self.content()?;
        // All or nothing: on a copy, which takes its place at the end.
        let mut changed = content.clone();
        if let Some(auto) = self.0.definition.auto_integer() {
            // A generated key must not be one that a later row brings along.
            for row in &rows {
                note_id(&mut changed, &row.0[auto]);
            }
        }
        let stored = rows.into_iter().map(|row| self.0.write(&mut changed, row.0, mode));
        let stored = stored.collect::<Result<Vec<_>>>()?;
        *content = changed;
        Ok(stored)
    }

    async fn upsert(
        &self,
        row: EncodedRow,
        unique: Vec<usize>,
        assignments: Vec<Assignment>,
    ) -> Result<EncodedRow> {
        let holder = {
            let content = self.content()?;
            let same = |other: &&Vec<Value>| {
                unique.iter().all(|&column| {
                    !row.0[column].is_null() && other[column].compare(&row.0[column]).is_eq()
                })
            };
            content.rows.values().find(same).map(|other| self.0.key_of(other))
        };
        let stored = if let Some(key) = holder {
            TabularStorage::update(self, key, FilterTree::all(), assignments).await?
        } else {
            let stored = TabularStorage::write(self, vec![row], WriteMode::Insert).await?;
            stored.into_iter().next().flatten()
        };
        stored.ok_or_else(|| Error::backend("the row is gone", None))
    }

    async fn update(
        &self,
        key: EncodedKey,
        condition: FilterTree,
        assignments: Vec<Assignment>,
    ) -> Result<Option<EncodedRow>> {
        let mut content = self.content()?;
        let row = content.rows.get(&key).filter(|row| condition.matches(row)).cloned();
        let Some(mut row) = row else { return Ok(None) };
        self.0.assign(&mut row, &assignments)?;
        if let Some(columns) = self.0.clash(&content, &row) {
            return Err(Error::conflict(columns));
        }
        content.rows.insert(key, row.clone());
        Ok(Some(EncodedRow(row)))
    }

    async fn update_where(&self, filter: FilterTree, assignments: Vec<Assignment>) -> Result<u64> {
        let mut content = self.content()?;
        let mut changed = content.clone();
        let mut count = 0;
        for row in changed.rows.values_mut().filter(|row| filter.matches(row)) {
            self.0.assign(row, &assignments)?;
            count += 1;
        }
        let clash = changed.rows.values().find_map(|row| self.0.clash(&changed, row));
        if let Some(columns) = clash {
            return Err(Error::conflict(columns));
        }
        *content = changed;
        Ok(count)
    }

    async fn delete(&self, key: EncodedKey, condition: FilterTree) -> Result<bool> {
        let mut content = self.content()?;
        let is_there = content.rows.get(&key).is_some_and(|row| condition.matches(row));
        if is_there {
            content.rows.remove(&key);
        }
        Ok(is_there)
    }

    async fn delete_search(&self, filter: FilterTree) -> Result<u64> {
        let mut content = self.content()?;
        let before = content.rows.len();
        content.rows.retain(|_, row| !filter.matches(row));
        Ok((before - content.rows.len()) as u64)
    }

    async fn delete_all(&self) -> Result<()> {
        self.content()?.rows.clear();
        Ok(())
    }

    async fn explain(&self, _selection: Selection) -> Result<String> {
        let rows = self.content()?.rows.len();
        Ok(format!("looks at each of {rows} rows of `{}`", self.0.definition.full_name()))
    }
}

async fn open(_database: &str) -> Store {
    Store::from_backend(Arc::new(Shelf::new()))
}

storehouse_conformance::conformance_tests!(
    open,
    lacks: [
        transactions, savepoints, row_locks, persistent, multi_process, sql, references, migrations,
        changes,
    ],
);

#[test]
fn behaves_as_the_model_does() {
    let open = async |_: &str| Arc::new(Shelf::new()) as Arc<dyn DynBackend>;
    let tally = block_on(model::check(open, Options::from_environment())).unwrap();
    eprintln!("{tally}");
}

#[test]
fn the_report_names_what_does_not_apply() {
    let report = block_on(storehouse_conformance::run(open));
    assert!(report.is_ok(), "{report}");
    let lacking: Vec<_> = report.not_applicable().collect();
    assert!(lacking.iter().any(|(name, missing)| {
        *name == "transactions::can_be_empty" && *missing == ["transactions"]
    }));
    assert_eq!(report.passed() + lacking.len(), storehouse_conformance::behaviours().len());
    assert!(report.to_string().contains("not applicable, for want of transactions: "), "{report}");
}
