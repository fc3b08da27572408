//! A table's rows in memory for a backend that stores them elsewhere and has no language of
//! queries: it answers every read, works out every write, and tells which rows a write touched.

use std::{fmt, sync::Arc};

use imbl::ordmap::DiffItem;

use super::{
    index::SortKey,
    read::{Snapshot, matching},
    scan,
    table::{State, StoredRow, Table},
};
use crate::{
    aggregate::Aggregation,
    definition::TableDef,
    error::Result,
    filter::FilterTree,
    patch::Assignment,
    selection::Selection,
    storage::{RowSink, WriteMode},
    value::{EncodedKey, EncodedRow, Value},
};

/// The rows of a table, with its indexes, as they are at one moment.
///
/// A clone takes a few reference counts, whatever the number of rows, and is another image: change
/// it, store what [`TableImage::changes_since`] says, and only then put it in the place of the one
/// that it was made of. What each operation means is said at
/// [`TabularStorage`](crate::TabularStorage); those here do the same, all or nothing.
///
/// References to other tables are not looked at.
///
/// ```
/// use storehouse::{
///     ColumnType, EncodedRow, FilterTree, TableDef, Value, WriteMode, memory::TableImage,
/// };
///
/// let settings = TableDef::builder("settings")
///     .column("name", ColumnType::Text)
///     .column("value", ColumnType::I64)
///     .key(["name"])
///     .build()?;
/// let before = TableImage::new(settings);
/// let mut after = before.clone();
/// let row = EncodedRow(vec![Value::Text("volume".into()), Value::Int(7)]);
/// after.write(vec![row.clone()], WriteMode::Insert)?;
///
/// let touched = after.changes_since(&before);
/// assert_eq!((touched.len(), touched[0].after()), (1, Some(&row.0[..])));
/// assert_eq!((before.count(FilterTree::all())?, after.count(FilterTree::all())?), (0, 1));
/// # Ok::<_, storehouse::Error>(())
/// ```
#[derive(Clone)]
pub struct TableImage {
    table: Arc<Table>,
    state: State,
}

/// A row that is not the same in two images. Cheap to clone.
#[derive(Clone)]
pub struct RowDifference {
    old: Option<StoredRow>,
    new: Option<StoredRow>,
}

impl RowDifference {
    /// The row in the earlier image, unless it is new.
    pub fn before(&self) -> Option<&[Value]> {
        self.old.as_deref()
    }

    /// The row in the later image, unless it is gone.
    pub fn after(&self) -> Option<&[Value]> {
        self.new.as_deref()
    }
}

impl fmt::Debug for RowDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = (self.before(), self.after());
        f.debug_struct("RowDifference").field("old", &old).field("new", &new).finish()
    }
}

impl fmt::Debug for TableImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableImage")
            .field("table", &self.table.definition.name)
            .field("rows", &self.state.entries[0].len())
            .finish_non_exhaustive()
    }
}

impl TableImage {
    /// A table without rows.
    pub fn new(definition: Arc<TableDef>) -> Self {
        let table = Arc::new(Table::new(definition));
        let state = table.lock().clone();
        Self { table, state }
    }

    /// The table's definition.
    pub fn definition(&self) -> &Arc<TableDef> {
        &self.table.definition
    }

    /// Fails with [`Error::Schema`](crate::Error::Schema) when `definition` has other columns,
    /// another key or other indexes than the one that the image was made for.
    pub fn check_same(&self, definition: &TableDef) -> Result<()> {
        self.table.check_same(definition)
    }

    /// The row with that key.
    pub fn row(&self, key: &EncodedKey) -> Option<&[Value]> {
        self.state.entries[0].get(&SortKey::at(key.0.clone())).map(|row| &**row)
    }

    /// Every row, in the order of the key.
    pub fn rows(&self) -> impl Iterator<Item = &[Value]> {
        self.state.entries[0].values().map(|row| &**row)
    }

    /// The greatest generated key that was ever given or used, as far as the image knows; 0 where
    /// there was none.
    pub const fn last_id(&self) -> i64 {
        self.state.last_id()
    }

    /// Says that a generated key was given or used once, so that it is not given again.
    pub fn note_id(&mut self, id: i64) {
        self.state.note_id(&Value::Int(id));
    }

    /// Puts a row in as it is stored already, with its managed columns as they are. Fails with
    /// [`Error::Conflict`](crate::Error::Conflict) where another row has its key, or its values in
    /// a unique index.
    pub fn load(&mut self, row: EncodedRow) -> Result<()> {
        self.table.load_row(&mut self.state, row)
    }

    /// Takes out the row with that key, if there is one.
    pub fn unload(&mut self, key: &EncodedKey) {
        if let Some(row) = self.state.entries[0].get(&SortKey::at(key.0.clone())).cloned() {
            self.table.remove(&mut self.state, &row);
        }
    }

    /// Hands the row with that key, if there is one, to `rows`.
    pub fn get(&self, key: &EncodedKey, mut rows: RowSink) -> Result<RowSink> {
        if let Some(row) = self.row(key) {
            let _ = Snapshot::hand_over(&self.table, 0, row, &mut rows)?;
        }
        Ok(rows)
    }

    /// Hands each row that has one of the keys to `rows`, with its key's place among them.
    pub fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        self.snapshot().get_many(keys, rows)
    }

    /// Hands the selected rows to `rows`, in order.
    pub fn select(&self, selection: &Selection, rows: RowSink) -> Result<RowSink> {
        self.snapshot().select(selection, rows)
    }

    /// Hands the answer of an aggregation to `rows`, in order.
    pub fn aggregate(&self, aggregation: &Aggregation, rows: RowSink) -> Result<RowSink> {
        self.snapshot().aggregate(aggregation, rows)
    }

    /// Counts the rows that match.
    pub fn count(&self, filter: FilterTree) -> Result<u64> {
        self.snapshot().count(filter)
    }

    /// Runs the query, and says in words how.
    pub fn explain(&self, selection: &Selection) -> String {
        self.snapshot().explain(selection)
    }

    /// Writes rows, and answers with each as it is stored.
    pub fn write(
        &mut self,
        rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> Result<Vec<Option<EncodedRow>>> {
        self.table.write_rows(&mut self.state, rows, mode)
    }

    /// Inserts a row, or changes the one that has its values in the `unique` columns.
    pub fn upsert(
        &mut self,
        row: EncodedRow,
        unique: &[usize],
        assignments: &[Assignment],
    ) -> Result<EncodedRow> {
        self.table.upsert_row(&mut self.state, row, unique, assignments)
    }

    /// Changes the row with that key, if it matches, and answers with the whole of it.
    pub fn update(
        &mut self,
        key: EncodedKey,
        condition: &FilterTree,
        assignments: &[Assignment],
    ) -> Result<Option<EncodedRow>> {
        self.table.update_row(&mut self.state, key, condition, assignments)
    }

    /// Changes every row that matches, and counts them.
    pub fn update_where(&mut self, filter: FilterTree, assignments: &[Assignment]) -> Result<u64> {
        let found = self.matching(filter)?;
        self.table.update_rows(&mut self.state, &found, assignments)?;
        Ok(found.len() as u64)
    }

    /// Deletes the row with that key, if it matches.
    pub fn delete(&mut self, key: EncodedKey, condition: &FilterTree) -> bool {
        self.table.delete_row(&mut self.state, key, condition)
    }

    /// Deletes the rows that match, and counts them.
    pub fn delete_search(&mut self, filter: FilterTree) -> Result<u64> {
        let found = self.matching(filter)?;
        for row in &found {
            self.table.remove(&mut self.state, row);
        }
        Ok(found.len() as u64)
    }

    /// Deletes every row. Generated keys are not given again.
    pub fn delete_all(&mut self) {
        self.state.clear();
    }

    /// The rows that are not those of `before`, in the order of the key. A row that was written
    /// again counts, whatever its values. Quick where few rows differ and one image was made of
    /// the other.
    pub fn changes_since(&self, before: &Self) -> Vec<RowDifference> {
        let (before, after) = (&before.state.entries[0], &self.state.entries[0]);
        let differences = before.diff(after).map(|difference| match difference {
            DiffItem::Add(_, new) => RowDifference { old: None, new: Some(new.clone()) },
            DiffItem::Update { old: (_, old), new: (_, new) } => {
                RowDifference { old: Some(old.clone()), new: Some(new.clone()) }
            }
            DiffItem::Remove(_, old) => RowDifference { old: Some(old.clone()), new: None },
        });
        differences.collect()
    }

    fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { table: &self.table, state: &self.state }
    }

    fn matching(&self, filter: FilterTree) -> Result<Vec<StoredRow>> {
        Ok(scan::run(&self.table, &self.state, &matching(&self.table, filter)?).rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_table;

    fn row(id: i64, sku: &str, price: f64) -> EncodedRow {
        let (id, sku) = (Value::Int(id), Value::Text(sku.into()));
        EncodedRow(vec![id, sku, Value::Float(price), Value::Null])
    }

    #[test]
    fn what_was_written_again_is_told_and_nothing_else() {
        let mut before = TableImage::new(test_table::definition());
        before
            .write((0..100).map(|id| row(id, &id.to_string(), 0.0)).collect(), WriteMode::Insert)
            .unwrap();
        let mut after = before.clone();
        // Equal by comparison, and not the same.
        after.write(vec![row(7, "7", -0.0)], WriteMode::Put).unwrap();
        assert!(after.delete(EncodedKey::single(Value::Int(9)), &FilterTree::all()));
        let told = after.changes_since(&before);
        assert_eq!(told.len(), 2);
        let Some(Value::Float(price)) = told[0].after().map(|row| &row[2]) else { panic!() };
        assert!(price.is_sign_negative());
        assert_eq!(
            (told[1].before().map(|row| &row[0]), told[1].after()),
            (Some(&Value::Int(9)), None)
        );
        assert!(before.changes_since(&before.clone()).is_empty());
    }

    #[test]
    fn a_loaded_row_takes_nobodys_place() {
        let mut image = TableImage::new(test_table::definition());
        image.load(row(1, "a", 1.0)).unwrap();
        image.load(row(1, "b", 1.0)).unwrap_err();
        image.load(row(2, "a", 1.0)).unwrap_err();
        image.unload(&EncodedKey::single(Value::Int(1)));
        image.load(row(2, "a", 1.0)).unwrap();
        assert_eq!(image.rows().count(), 1);
        assert_eq!(image.row(&EncodedKey::single(Value::Int(1))), None);
    }
}
