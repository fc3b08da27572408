//! Integer keys that the database generates.
//!
//! A generated id is greater than every id that the table has or had, so it overwrites no row and
//! is never given twice. Where the id is the whole key, SQLite's AUTOINCREMENT sees to that; where
//! it is a part of the key, a table of sequences does.

use rusqlite::{Connection, params};
use storehouse_runtime::{EncodedRow, Error, Result, TableDef, Value};
use storehouse_sql::Dialect;

use crate::{error, table::Table};

/// The table that holds the last id of each table whose id is a part of its key.
pub(crate) const CREATE_SEQUENCES: &str = "CREATE TABLE IF NOT EXISTS storehouse_sequences (\
    name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID";

const RAISE_SEQUENCE: &str = "INSERT INTO storehouse_sequences (name, value) VALUES (?, ?) \
    ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";

/// How a table comes by its ids.
#[derive(Debug)]
pub(crate) enum Ids {
    /// They are given, or made by the handle.
    Given,
    /// By SQLite's AUTOINCREMENT.
    Autoincrement(Generated),
    /// By the table of sequences.
    Sequence(Generated),
}

/// A column whose values are generated.
#[derive(Debug)]
pub(crate) struct Generated {
    column: usize,
    /// The greatest id that the column's type holds.
    greatest: i64,
    /// Reads the greatest id that was ever there.
    highest: String,
}

impl Ids {
    pub(crate) fn of(definition: &TableDef) -> Self {
        let Some(column) = definition.auto_integer() else { return Self::Given };
        let greatest = definition.columns[column].column_type.integer_range();
        let greatest = greatest.map_or(i64::MAX, |(_, greatest)| greatest);
        let is_whole_key = definition.key.len() == 1;
        let mut highest = String::from("SELECT max(coalesce((SELECT ");
        highest.push_str(if is_whole_key {
            "seq FROM sqlite_sequence"
        } else {
            "value FROM storehouse_sequences"
        });
        highest.push_str(" WHERE name = ?), 0), coalesce((SELECT max(");
        Dialect::Sqlite.push_identifier(&mut highest, &definition.columns[column].name);
        highest.push_str(") FROM ");
        let schema = definition.schema.as_deref();
        Dialect::Sqlite.push_table(&mut highest, schema, &definition.name);
        highest.push_str("), 0))");
        let generated = Generated { column, greatest, highest };
        if is_whole_key { Self::Autoincrement(generated) } else { Self::Sequence(generated) }
    }

    /// The column whose value is generated, when `row` leaves it to the database.
    pub(crate) fn missing(&self, row: &EncodedRow) -> Option<&Generated> {
        match self {
            Self::Given => None,
            Self::Autoincrement(generated) | Self::Sequence(generated) => {
                row.0[generated.column].is_null().then_some(generated)
            }
        }
    }

    /// Whether writing `row` takes one statement and no more.
    pub(crate) fn takes_one_statement(&self, row: &EncodedRow) -> bool {
        match self {
            Self::Given => true,
            // SQLite itself refuses an id above 64 bits; a narrower type has to be looked after.
            Self::Autoincrement(generated) => {
                generated.greatest == i64::MAX || self.missing(row).is_none()
            }
            Self::Sequence(_) => false,
        }
    }

    /// Gives every row that has no id one above all that were ever there and all that are given.
    pub(crate) fn assign(
        &self,
        connection: &Connection,
        table: &Table,
        rows: &mut [EncodedRow],
    ) -> Result<()> {
        let (Self::Autoincrement(generated) | Self::Sequence(generated)) = self else {
            return Ok(());
        };
        let ids = || rows.iter().map(|row| &row.0[generated.column]);
        let given = ids().filter_map(|id| if let Value::Int(id) = id { Some(*id) } else { None });
        let missing = ids().filter(|id| id.is_null()).count();
        let mut highest = given.max().unwrap_or(0).max(0);
        if missing > 0 {
            highest = highest.max(generated.highest(connection, table)?);
            generated.check_room(table, highest, missing)?;
            for row in rows.iter_mut().filter(|row| row.0[generated.column].is_null()) {
                highest += 1;
                row.0[generated.column] = Value::Int(highest);
            }
        }
        if matches!(self, Self::Sequence(_)) {
            let raise =
                || connection.prepare_cached(RAISE_SEQUENCE)?.execute(params![table.name, highest]);
            raise().map_err(|error| error::of_table(error, table))?;
        }
        Ok(())
    }
}

impl Generated {
    /// Fails when there is no id left for one more row.
    pub(crate) fn check(&self, connection: &Connection, table: &Table) -> Result<()> {
        self.check_room(table, self.highest(connection, table)?, 1)
    }

    /// Puts the id that SQLite gave to the row just written into `row`.
    pub(crate) fn fill_in(&self, connection: &Connection, row: &mut EncodedRow) {
        row.0[self.column] = Value::Int(connection.last_insert_rowid());
    }

    fn highest(&self, connection: &Connection, table: &Table) -> Result<i64> {
        let read =
            || connection.prepare_cached(&self.highest)?.query_row([&table.name], |row| row.get(0));
        read().map_err(|error| error::of_table(error, table))
    }

    fn check_room(&self, table: &Table, highest: i64, rows: usize) -> Result<()> {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        match highest.checked_add(rows) {
            Some(last) if last <= self.greatest => Ok(()),
            _ => Err(self.used_up(table)),
        }
    }

    fn used_up(&self, table: &Table) -> Error {
        let column = &table.definition.columns[self.column];
        Error::validation(format!(
            "table `{}` has used up its ids: column `{}` is {} and holds {} at most, and an id is \
             never given twice; use a wider type, or give ids yourself",
            table.name,
            column.name,
            column.column_type.rust_name(),
            self.greatest
        ))
    }
}
