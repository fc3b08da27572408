//! Managed columns: what the store keeps up by itself whenever a row is written.
//!
//! The handle fills in times, since the clock is its own; an engine keeps the time of creation and
//! counts the version, since only where the row is stored can that be one step with the write.

use chrono::{DateTime, Utc};

use super::TableDef;
use crate::{
    codec::ColumnValue as _,
    column_type::ColumnType,
    error::{Error, Result},
    filter::{Comparison, FilterTree},
    patch::Assignment,
    value::{EncodedKey, EncodedRow, Value},
};

/// The positions of a table's managed columns, each `None` where the table has no such column.
///
/// ```
/// use storehouse::{ManagedColumns, prelude::*};
///
/// #[derive(Table, Debug)]
/// struct Page {
///     #[table(key)]
///     path: String,
///     text: String,
///     #[table(version)]
///     version: i64,
/// }
///
/// let managed = Page::definition().managed;
/// assert_eq!(managed, ManagedColumns { version: Some(2), ..ManagedColumns::NONE });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ManagedColumns {
    /// When the row was stored first; a date-time that is never NULL.
    pub created_at: Option<usize>,
    /// When the row was written last; a date-time that is never NULL.
    pub updated_at: Option<usize>,
    /// How often the row was written; an integer that is never NULL.
    pub version: Option<usize>,
    /// When the row was deleted; a date-time that is NULL as long as it is not.
    pub soft_delete: Option<usize>,
}

/// What a row that is put is meant to find in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expected {
    /// Whatever there is: it is replaced.
    Anything,
    /// No row.
    Nothing,
    /// The row with this version.
    Version(i64),
}

impl ManagedColumns {
    /// No managed columns.
    pub const NONE: Self =
        Self { created_at: None, updated_at: None, version: None, soft_delete: None };

    /// Whether the store sets the column.
    pub fn contains(&self, column: usize) -> bool {
        [self.created_at, self.updated_at, self.version, self.soft_delete].contains(&Some(column))
    }

    /// Whether the row that a put stores may differ from the row that is given, so that an engine
    /// has to answer with what is stored.
    pub const fn changes_puts(&self) -> bool {
        self.created_at.is_some() || self.version.is_some()
    }

    /// What a row that is put is meant to find: its version is the one that it was read with, 0 is
    /// that of a row that was never stored, and NULL replaces whatever is there. It is never
    /// negative.
    pub fn expected(&self, row: &EncodedRow) -> Expected {
        match self.version.map(|column| &row.0[column]) {
            Some(Value::Int(0)) => Expected::Nothing,
            Some(&Value::Int(version)) => Expected::Version(version),
            _ => Expected::Anything,
        }
    }

    /// Gives a row that is put the version of a new one.
    pub fn begin_version(&self, row: &mut EncodedRow) {
        if let Some(column) = self.version {
            row.0[column] = Value::Int(1);
        }
    }
}

impl TableDef {
    /// The row that a put stores, where `stored` is what has its key now. An engine that does not
    /// leave this to its database calls it.
    ///
    /// Fails with [`Error::Conflict`] when the row was read with another version than is stored.
    pub fn stored_by_put(
        &self,
        mut row: EncodedRow,
        stored: Option<&[Value]>,
    ) -> Result<EncodedRow> {
        let managed = &self.managed;
        let expected = managed.expected(&row);
        let Some(stored) = stored else {
            if let Expected::Version(_) = expected {
                return Err(self.stale());
            }
            managed.begin_version(&mut row);
            return Ok(row);
        };
        if let Some(created_at) = managed.created_at {
            row.0[created_at] = stored[created_at].clone();
        }
        if let Some(version) = managed.version {
            match (expected, &stored[version]) {
                (Expected::Anything, _) => {}
                (Expected::Version(read), Value::Int(stored)) if read == *stored => {}
                _ => return Err(self.stale()),
            }
            let next = Assignment::increment(version, Value::Int(1));
            row.0[version] = next.apply(&self.columns[version], &stored[version])?;
        }
        Ok(row)
    }

    /// Adds to the assignments of an update what it does to managed columns: every operation that
    /// changes rows in place calls this. A given value of a column that counts writes is dropped.
    pub(crate) fn manage(
        &self,
        mut assignments: Vec<Assignment>,
        now: impl FnOnce() -> DateTime<Utc>,
    ) -> Vec<Assignment> {
        let ManagedColumns { updated_at, version, .. } = self.managed;
        if updated_at.is_some() || version.is_some() {
            assignments
                .retain(|assignment| ![updated_at, version].contains(&Some(assignment.column)));
        }
        if let Some(updated_at) = updated_at {
            assignments.push(Assignment::set(updated_at, now().to_value()));
        }
        if let Some(version) = version {
            assignments.push(Assignment::increment(version, Value::Int(1)));
        }
        assignments
    }

    /// What a migration fills into the rows that are there when it adds the column: its default,
    /// and in a managed column what a row has that is written now. `None` when nothing is known.
    pub fn filled_in(&self, column: usize) -> Option<Value> {
        let ManagedColumns { created_at, updated_at, version, .. } = self.managed;
        if version == Some(column) {
            Some(Value::Int(1))
        } else if [created_at, updated_at].contains(&Some(column)) {
            Some(Utc::now().to_value())
        } else {
            self.columns[column].default.map(|default| default())
        }
    }

    /// Fails with [`Error::Validation`] when a managed column cannot be what it shall.
    pub(super) fn validate_managed(&self) -> Result<()> {
        let ManagedColumns { created_at, updated_at, version, soft_delete } = self.managed;
        let rules = [
            (created_at, "created_at", "a date-time that is never NULL"),
            (updated_at, "updated_at", "a date-time that is never NULL"),
            (version, "version", "an i64, i32 or u32 that is never NULL"),
            (soft_delete, "soft_delete", "a date-time that can be NULL"),
        ];
        for (position, kind, wanted) in rules {
            let Some(position) = position else { continue };
            let fits = self.columns.get(position).is_some_and(|column| {
                let is_type = match column.column_type {
                    ColumnType::DateTime => kind != "version",
                    ColumnType::I64 | ColumnType::I32 | ColumnType::U32 => kind == "version",
                    _ => false,
                };
                is_type && column.nullable == (kind == "soft_delete")
            });
            if !fits || self.key.contains(&position) {
                return Err(Error::validation(format!(
                    "the `{kind}` column of `{}` has to be {wanted}, and not in the key",
                    self.name
                )));
            }
        }
        Ok(())
    }

    /// Whether these are the names of the key's columns, in key order: what a conflict about the
    /// key names.
    pub fn is_key(&self, names: &[String]) -> bool {
        self.key.iter().map(|&column| &*self.columns[column].name).eq(names)
    }

    /// Matches the row with that key.
    pub fn key_filter(&self, key: EncodedKey) -> FilterTree {
        let columns = self.key.iter().copied().zip(key.into_values());
        let equals =
            |(column, value)| FilterTree::Compare { column, comparison: Comparison::Equal, value };
        columns.map(equals).fold(FilterTree::all(), FilterTree::and)
    }

    /// The stored row is not the one that was read, or is gone.
    pub fn stale(&self) -> Error {
        let version = self.managed.version.map(|column| self.columns[column].name.to_string());
        Error::stale(version.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_table;

    /// The columns are `id`, `sku`, `price` and `note`; the first two stand in for others.
    fn definition() -> TableDef {
        let mut definition = TableDef::clone(&test_table::definition());
        definition.managed =
            ManagedColumns { created_at: Some(1), version: Some(0), ..ManagedColumns::NONE };
        definition
    }

    fn row(version: Value, created_at: &str) -> EncodedRow {
        EncodedRow(vec![version, Value::Text(created_at.into()), Value::Float(1.0), Value::Null])
    }

    #[test]
    fn what_a_put_stores() {
        let definition = definition();
        let stored = row(Value::Int(7), "then");
        let put = |given: Value, stored: Option<&EncodedRow>| {
            definition.stored_by_put(row(given, "now"), stored.map(|row| &*row.0)).ok()
        };
        assert_eq!(put(Value::Null, None), Some(row(Value::Int(1), "now")));
        assert_eq!(put(Value::Int(0), None), Some(row(Value::Int(1), "now")));
        assert_eq!(put(Value::Int(7), None), None);
        assert_eq!(put(Value::Null, Some(&stored)), Some(row(Value::Int(8), "then")));
        assert_eq!(put(Value::Int(7), Some(&stored)), Some(row(Value::Int(8), "then")));
        assert_eq!(put(Value::Int(0), Some(&stored)), None);
        assert_eq!(put(Value::Int(6), Some(&stored)), None);
    }

    #[test]
    fn a_managed_column_has_its_type() {
        let refused = |managed| {
            let definition = TableDef { managed, ..TableDef::clone(&test_table::definition()) };
            definition.validate().unwrap_err().to_string()
        };
        let none = ManagedColumns::NONE;
        let texts = [
            refused(ManagedColumns { created_at: Some(1), ..none }),
            refused(ManagedColumns { updated_at: Some(9), ..none }),
            refused(ManagedColumns { version: Some(2), ..none }),
            refused(ManagedColumns { version: Some(0), ..none }),
            refused(ManagedColumns { soft_delete: Some(3), ..none }),
        ];
        let kinds = ["created_at", "updated_at", "version", "version", "soft_delete"];
        for (text, kind) in texts.iter().zip(kinds) {
            assert!(text.contains(&format!("the `{kind}` column of `products` has to be")));
        }
    }

    #[test]
    fn what_is_given_for_a_column_that_counts_writes_is_dropped() {
        let definition = definition();
        let assignments =
            vec![Assignment::set(0, Value::Int(99)), Assignment::set(2, Value::Float(2.0))];
        let managed = definition.manage(assignments, || panic!("no column asks for the time"));
        let expected =
            [Assignment::set(2, Value::Float(2.0)), Assignment::increment(0, Value::Int(1))];
        assert_eq!(managed, expected);
        let plain = test_table::definition();
        assert_eq!(plain.manage(Vec::new(), Utc::now), []);
    }
}
