//! An index: the columns that it sorts by, and where a row stands in it.

use std::{cmp::Ordering, ops::Bound};

use imbl::OrdMap;

use super::table::StoredRow;
use crate::value::{KeyValues, Value, compare_slices};

/// The rows in the order of an index.
pub(super) type Entries = OrdMap<SortKey, StoredRow>;

/// Which columns an index sorts by.
pub(super) struct Index {
    pub(super) name: String,
    /// The declared columns, then those of the key that are not among them: so every entry has
    /// a place of its own, and the order is total.
    pub(super) columns: Vec<usize>,
    /// How many of `columns` were declared.
    pub(super) declared: usize,
    pub(super) unique: bool,
}

/// A place in an index. With `above` set it lies behind every place that it is the beginning
/// of, which makes it the end of a range.
#[derive(Clone, Debug)]
pub(super) struct SortKey {
    pub(super) values: KeyValues,
    pub(super) above: bool,
}

impl SortKey {
    pub(super) const fn at(values: KeyValues) -> Self {
        Self { values, above: false }
    }

    pub(super) const fn above(values: KeyValues) -> Self {
        Self { values, above: true }
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        // Most keys are one integer, and a lookup compares a dozen of them.
        if let ([Value::Int(left)], [Value::Int(right)]) = (&self.values[..], &other.values[..]) {
            return left.cmp(right).then(self.above.cmp(&other.above));
        }
        let common = self.values.len().min(other.values.len());
        compare_slices(&self.values[..common], &other.values[..common]).then_with(|| {
            match self.values.len().cmp(&other.values.len()) {
                Ordering::Less if self.above => Ordering::Greater,
                Ordering::Greater if other.above => Ordering::Less,
                Ordering::Equal => self.above.cmp(&other.above),
                by_length => by_length,
            }
        })
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}

impl Index {
    /// A row that has the same values in the declared columns. NULL is the same as nothing.
    pub(super) fn holder<'e>(&self, entries: &'e Entries, row: &[Value]) -> Option<&'e StoredRow> {
        let declared = &self.columns[..self.declared];
        if declared.iter().any(|&column| row[column].is_null()) {
            return None;
        }
        let values: KeyValues = declared.iter().map(|&column| row[column].clone()).collect();
        let range =
            (Bound::Included(SortKey::at(values.clone())), Bound::Excluded(SortKey::above(values)));
        entries.range(range).next().map(|(_, holder)| holder)
    }

    /// A row's place in the index.
    pub(super) fn place(&self, row: &[Value]) -> SortKey {
        SortKey::at(self.columns.iter().map(|&column| row[column].clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(values: &[i64]) -> KeyValues {
        values.iter().copied().map(Value::Int).collect()
    }

    #[test]
    fn the_end_of_a_range_lies_behind_all_that_it_begins() {
        let end = SortKey::above(values(&[1]));
        assert!(SortKey::at(values(&[1])) < end);
        assert!(SortKey::at(values(&[1, i64::MAX])) < end);
        assert!(end < SortKey::at(values(&[2])));
        assert!(end > SortKey::at(values(&[1, 5])));
        assert!(SortKey::at(values(&[1])) < SortKey::at(values(&[1, 0])));
        assert!(SortKey::at(values(&[2])) > end);
    }
}
