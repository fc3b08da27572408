//! Which rows of a write can be one statement.

use std::{
    collections::HashSet,
    hash::{Hash, Hasher},
    mem::discriminant,
};

use storehouse_runtime::{EncodedRow, Expected, Value, WriteMode};

use crate::{table::Table, write::lacks_id};

/// So many values are sent in one statement, about; a message has a gigabyte at most.
const VALUES_AT_ONCE: usize = 1 << 20;

/// How many rows at a time can be one statement: all with an id or all without, all meant to find
/// the same in their place, and no key twice.
pub(crate) fn segments(table: &Table, rows: &[EncodedRow], mode: WriteMode) -> Vec<usize> {
    if mode == WriteMode::InsertIfAbsent {
        // Each has to tell whether it was stored.
        return vec![1; rows.len()];
    }
    let largest = (VALUES_AT_ONCE / table.definition.columns.len()).max(1);
    let columns = &*table.definition.key;
    let mut segments = Vec::new();
    let mut length = 0;
    let mut keys = HashSet::with_capacity(rows.len().min(largest));
    let mut of_segment = (false, discriminant(&Expected::Anything));
    for row in rows {
        let generated = lacks_id(table, row);
        let kind = (generated, discriminant(&table.definition.managed.expected(row)));
        let key = KeyOf { row, columns };
        let is_twice = !generated && !keys.insert(key);
        if length > 0 && (kind != of_segment || is_twice || length >= largest) {
            segments.push(length);
            length = 0;
            keys.clear();
            if !generated {
                keys.insert(key);
            }
        }
        of_segment = kind;
        length += 1;
    }
    if length > 0 {
        segments.push(length);
    }
    segments
}

/// The key of a row, where it lies.
#[derive(Clone, Copy)]
struct KeyOf<'r> {
    row: &'r EncodedRow,
    columns: &'r [usize],
}

impl<'r> KeyOf<'r> {
    fn values(self) -> impl Iterator<Item = &'r Value> {
        self.columns.iter().map(move |&column| &self.row.0[column])
    }
}

impl PartialEq for KeyOf<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.values().eq(other.values())
    }
}

impl Eq for KeyOf<'_> {}

impl Hash for KeyOf<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.values().for_each(|value| value.hash(state));
    }
}
