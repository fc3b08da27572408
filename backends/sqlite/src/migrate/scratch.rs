//! An empty copy of a database's schema, on which steps are tried.

use rusqlite::{Connection, OptionalExtension as _, Result};
use storehouse_runtime::Result as StorehouseResult;

use super::planner::quoted;
use crate::{connection::prepare, error};

/// An empty copy of the schema.
pub(super) struct Scratch {
    pub(super) connection: Connection,
    /// Whether every view and trigger was in order to begin with.
    was_sound: bool,
}

impl Scratch {
    pub(super) fn copy(live: &Connection) -> StorehouseResult<Self> {
        let scratch = Connection::open_in_memory().map_err(error::of_database)?;
        prepare(&scratch)?;
        let copied = copy(live, &scratch).map_err(error::of_database);
        copied?;
        let was_sound = unsound(&scratch).is_none();
        Ok(Self { connection: scratch, was_sound })
    }

    /// What no longer works in a view or a trigger, in SQLite's words.
    pub(super) fn broken(&self) -> Option<String> {
        if self.was_sound { unsound(&self.connection) } else { None }
    }

    /// The statement that made something of that type and name.
    pub(super) fn sql_of(&self, kind: &str, name: &str) -> Result<Option<String>> {
        self.connection
            .query_row(
                "SELECT sql FROM sqlite_schema WHERE type = ? AND name = ?",
                [kind, name],
                |row| row.get(0),
            )
            .optional()
    }

    /// The names and statements of what belongs to a table: its indexes or its triggers.
    pub(super) fn belonging(&self, kind: &str, table: &str) -> Result<Vec<(String, String)>> {
        self.connection
            .prepare(
                "SELECT name, sql FROM sqlite_schema \
                 WHERE type = ? AND tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL ORDER BY rowid",
            )?
            .query_map([kind, table], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }

    /// Whether a foreign key of another table, or of itself, refers to the table.
    pub(super) fn is_referenced(&self, table: &str) -> Result<bool> {
        self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema AS s, pragma_foreign_key_list(s.name) AS k \
             WHERE s.type = 'table' AND k.\"table\" = ? COLLATE NOCASE)",
            [table],
            |row| row.get(0),
        )
    }
}

fn copy(live: &Connection, scratch: &Connection) -> Result<()> {
    scratch.pragma_update(None, "foreign_keys", false)?;
    let mut statements = live.prepare(
        "SELECT sql, type, name FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' \
         ESCAPE '\\' ORDER BY type <> 'table', rowid",
    )?;
    let mut rows = statements.query([])?;
    while let Some(row) = rows.next()? {
        let sql: String = row.get(0)?;
        if let Err(error) = scratch.execute_batch(&sql) {
            let (kind, name): (String, String) = (row.get(1)?, row.get(2)?);
            // What needs an extension that is not here has at least its columns. What another
            // statement made already, as a full-text index does, is there.
            let copied = kind == "table" && stand_in(live, scratch, &name).is_ok();
            tracing::debug!(target: "storehouse", %error, sql, copied, "not copied as it is");
        }
    }
    Ok(())
}

/// A plain table with the columns of one that cannot be copied.
fn stand_in(live: &Connection, scratch: &Connection, table: &str) -> Result<()> {
    let columns: Vec<String> = live
        .prepare("SELECT name FROM pragma_table_xinfo(?)")?
        .query_map([table], |row| row.get::<_, String>(0))?
        .map(|name| name.map(|name| quoted(&name)))
        .collect::<Result<_>>()?;
    scratch.execute_batch(&format!("CREATE TABLE {} ({})", quoted(table), columns.join(", ")))
}

/// SQLite looks through every view and trigger when a table is renamed.
fn unsound(scratch: &Connection) -> Option<String> {
    let looked = scratch.execute_batch(
        "SAVEPOINT look; CREATE TABLE storehouse_look (a); \
         ALTER TABLE storehouse_look RENAME TO storehouse_looked;",
    );
    let back = scratch.execute_batch("ROLLBACK TO look; RELEASE look;");
    looked.and(back).err().map(|error| error.to_string())
}
