//! Several changes of a table that are made together or not at all.
//!
//! They are made in place, and taken back when one of them fails: a copy of the state to throw
//! away would be cheap to take, but then each change would copy the part of the map around it.

use super::table::{State, StoredRow, Table};

/// Changes that were made, each of which is taken back when this is dropped before [`Batch::keep`].
pub(super) struct Batch<'s> {
    table: &'s Table,
    pub(super) state: &'s mut State,
    last_id: i64,
    made: Vec<Change>,
}

/// What was there, and what is there now.
struct Change {
    before: Option<StoredRow>,
    after: Option<StoredRow>,
}

impl<'s> Batch<'s> {
    pub(super) fn new(table: &'s Table, state: &'s mut State, expected: usize) -> Self {
        let last_id = state.last_id();
        Self { table, state, last_id, made: Vec::with_capacity(expected) }
    }

    /// Puts in a row for which there is room, in the place of `before`.
    pub(super) fn replace(&mut self, before: Option<StoredRow>, after: StoredRow) {
        self.table.replace(self.state, before.as_ref(), &after);
        self.made.push(Change { before, after: Some(after) });
    }

    /// Takes out a row that is there.
    pub(super) fn remove(&mut self, row: &StoredRow) {
        self.table.remove(self.state, row);
        self.made.push(Change { before: Some(row.clone()), after: None });
    }

    /// All of them hold.
    pub(super) fn keep(mut self) {
        self.made.clear();
        self.last_id = self.state.last_id();
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for Change { before, after } in self.made.drain(..).rev() {
            match (before, after) {
                (Some(before), after) => self.table.replace(self.state, after.as_ref(), &before),
                (None, Some(after)) => self.table.remove(self.state, &after),
                (None, None) => {}
            }
        }
        self.state.restore_last_id(self.last_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        patch::Assignment,
        storage::WriteMode,
        test_table,
        value::{EncodedRow, Value},
    };

    fn row(id: i64, sku: &str, price: f64) -> EncodedRow {
        let id = if id == 0 { Value::Null } else { Value::Int(id) };
        EncodedRow(vec![id, Value::Text(sku.into()), Value::Float(price), Value::Null])
    }

    fn products() -> (Table, State) {
        let table = Table::new(test_table::definition());
        table.lock().make_ready();
        let mut state = table.read().unwrap().clone();
        let rows = vec![row(1, "a", 1.0), row(2, "b", 2.0), row(3, "c", 3.0)];
        table.write_rows(&mut state, rows, WriteMode::Insert).unwrap();
        (table, state)
    }

    /// The very rows of `before` are there again, at their places in every index.
    fn assert_untouched(before: &State, after: &State) {
        assert!(before.entries == after.entries);
        assert_eq!(before.last_id(), after.last_id());
    }

    #[test]
    fn rows_of_which_one_clashes_are_all_taken_back() {
        let (table, mut state) = products();
        let before = state.clone();
        // One moves in an index, one is new, one gets an id, one more has a large id of its own,
        // and the last has the sku of another row.
        let rows = vec![
            row(2, "b", 9.0),
            row(7, "d", 4.0),
            row(2, "bb", 2.0),
            row(0, "e", 5.0),
            row(900, "f", 6.0),
            row(8, "a", 7.0),
        ];
        table.write_rows(&mut state, rows, WriteMode::Put).unwrap_err();
        assert_untouched(&before, &state);
    }

    #[test]
    fn an_update_that_clashes_leaves_every_row_at_its_place() {
        let (table, mut state) = products();
        let before = state.clone();
        let rows: Vec<StoredRow> = before.entries[0].values().cloned().collect();
        let same = [Assignment::set(1, Value::Text("one".into()))];
        table.update_rows(&mut state, &rows, &same).unwrap_err();
        assert_untouched(&before, &state);
    }

    #[test]
    fn a_row_that_is_left_out_takes_no_id() {
        let (table, mut state) = products();
        let before = state.clone();
        let rows = vec![row(900, "a", 1.0)];
        let stored = table.write_rows(&mut state, rows, WriteMode::InsertIfAbsent).unwrap();
        assert_eq!(stored, [None]);
        assert_untouched(&before, &state);
    }

    #[test]
    fn what_is_kept_stays() {
        let (table, mut state) = products();
        let rows = vec![row(2, "b", 9.0), row(0, "d", 4.0)];
        let stored = table.write_rows(&mut state, rows, WriteMode::Put).unwrap();
        assert_eq!(stored, [Some(row(2, "b", 9.0)), Some(row(4, "d", 4.0))]);
        assert_eq!(state.entries.iter().map(imbl::OrdMap::len).collect::<Vec<_>>(), [4, 4, 4]);
        assert_eq!(state.last_id(), 4);
    }
}
