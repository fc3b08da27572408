//! The table and the triggers of a log.
//!
//! Values are stored as the table itself stores them, in columns without a type, so that they come
//! back to the bit. The triggers use nothing but what SQLite brings along, since programs fire
//! them that know nothing of Storehouse.
//!
//! The last change of a log is never deleted, so that its number is not given again. AUTOINCREMENT
//! would see to that too, by writing a page more with every commit.

use rusqlite::{Connection, OptionalExtension as _, params};
use storehouse_runtime::{Result, TableDef};
use storehouse_sql::Dialect;

use crate::{ddl::declared_type, error, table::Table};

/// So many columns of a log come before the old row.
pub(super) const HEAD: usize = 3;
/// How a log says what happened.
pub(super) const INSERT: i64 = 1;
pub(super) const UPDATE: i64 = 2;
const DELETE: i64 = 3;

/// The table of all logs.
const LOGS: &str = "CREATE TABLE IF NOT EXISTS storehouse_change_logs (\
    name TEXT NOT NULL PRIMARY KEY, identity TEXT NOT NULL, columns TEXT NOT NULL, \
    floor INTEGER NOT NULL) STRICT, WITHOUT ROWID";

/// Microseconds since 1970. `unixepoch('subsec')` would be newer than some programs' SQLite.
const NOW: &str = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)";

/// The name of a table's log, without quotes.
pub(super) fn log_name(table: &str) -> String {
    format!("storehouse_changes_{table}")
}

fn quoted(name: &str) -> String {
    let mut sql = String::new();
    Dialect::Sqlite.push_identifier(&mut sql, name);
    sql
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What a log is about, in words: the columns of its table, in order, and the key.
fn columns(definition: &TableDef) -> String {
    let mut text = String::new();
    for column in &*definition.columns {
        text.push_str(&column.name);
        text.push(' ');
        text.push_str(declared_type(column.column_type));
        text.push(',');
    }
    for &column in &*definition.key {
        text.push_str(&definition.columns[column].name);
        text.push(',');
    }
    text
}

/// The names of the log's columns that hold a row: `o0, o1` for the old one.
fn held(prefix: char, definition: &TableDef) -> String {
    let names = (0..definition.columns.len()).map(|column| format!("{prefix}{column}"));
    names.collect::<Vec<_>>().join(", ")
}

/// The columns of the row that fired a trigger.
fn fired(row: &str, definition: &TableDef) -> String {
    let columns = definition.columns.iter();
    let names = columns.map(|column| format!("{row}.{}", quoted(&column.name)));
    names.collect::<Vec<_>>().join(", ")
}

/// The statements that make a log of a table, in order.
pub(crate) fn create(definition: &TableDef) -> Vec<String> {
    let table = definition.full_name();
    let log = log_name(&table);
    let (old, new) = (held('o', definition), held('n', definition));
    let mut statements = vec![
        LOGS.to_owned(),
        format!(
            "CREATE TABLE {} (id INTEGER PRIMARY KEY, kind INTEGER, at INTEGER, \
             {old}, {new})",
            quoted(&log)
        ),
    ];
    statements.extend(triggers(definition).into_iter().map(|(_, sql)| sql));
    // Only now, so that what is in order is so as a whole.
    statements.push(format!(
        "INSERT INTO storehouse_change_logs (name, identity, columns, floor) \
         VALUES ({}, lower(hex(randomblob(16))), {}, 0) \
         ON CONFLICT (name) DO UPDATE SET identity = excluded.identity, \
         columns = excluded.columns, floor = 0",
        literal(&table),
        literal(&columns(definition))
    ));
    statements
}

/// The names and statements of the triggers that fill a log.
fn triggers(definition: &TableDef) -> Vec<(String, String)> {
    let table = definition.full_name();
    let log = log_name(&table);
    let key = |comparison: &str, joined: &str| {
        let compare = |&column: &usize| {
            let name = quoted(&definition.columns[column].name);
            format!("OLD.{name} {comparison} NEW.{name}")
        };
        definition.key.iter().map(compare).collect::<Vec<_>>().join(joined)
    };
    let insert = |kind: i64| {
        let (old, new) = (held('o', definition), held('n', definition));
        let (fired_old, fired_new) = (fired("OLD", definition), fired("NEW", definition));
        let (into, values) = match kind {
            INSERT => (new, fired_new),
            DELETE => (old, fired_old),
            _ => (format!("{old}, {new}"), format!("{fired_old}, {fired_new}")),
        };
        format!("INSERT INTO {} (kind, at, {into}) VALUES ({kind}, {NOW}, {values});", quoted(&log))
    };
    let trigger = |name: &str, event: &str, body: &str| {
        let name = format!("{log}_{name}");
        let sql = format!("CREATE TRIGGER {} AFTER {event} BEGIN {body} END", quoted(&name));
        (name, sql)
    };
    let on = quoted(&table);
    let keys = definition.key.iter().map(|&column| quoted(&definition.columns[column].name));
    let keys = keys.collect::<Vec<_>>().join(", ");
    vec![
        trigger("insert", &format!("INSERT ON {on}"), &insert(INSERT)),
        trigger("update", &format!("UPDATE ON {on} WHEN {}", key("IS", " AND ")), &insert(UPDATE)),
        // A row with another key is another row. What names no column of the key need not ask; a
        // key of one integer has more names than its own.
        trigger(
            "move",
            &format!(
                "UPDATE OF {keys}, rowid, _rowid_, oid ON {on} WHEN {}",
                key("IS NOT", " OR ")
            ),
            &format!("{} {}", insert(DELETE), insert(INSERT)),
        ),
        trigger("delete", &format!("DELETE ON {on}"), &insert(DELETE)),
    ]
}

/// The statements that remove the log of a table.
pub(crate) fn drop(table: &str) -> Vec<String> {
    let log = log_name(table);
    let triggers = ["insert", "update", "move", "delete"];
    let mut statements: Vec<_> = triggers
        .iter()
        .map(|trigger| format!("DROP TRIGGER IF EXISTS {}", quoted(&format!("{log}_{trigger}"))))
        .collect();
    statements.push(format!("DROP TABLE IF EXISTS {}", quoted(&log)));
    statements.push(format!("DELETE FROM storehouse_change_logs WHERE name = {}", literal(table)));
    statements
}

/// What a database has of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// All of it, and it fits the definition.
    Fitting,
    /// Some of it, or one that fits another definition.
    Other,
    Nothing,
}

/// Looks for the log of the table that is called `table` now.
pub(crate) fn find(
    connection: &Connection,
    table: &str,
    definition: &TableDef,
) -> rusqlite::Result<Found> {
    let exists = |kind: &str, name: &str| -> rusqlite::Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = ? AND name = ?)";
        connection.query_row(sql, [kind, name], |row| row.get(0))
    };
    let log = log_name(table);
    let has_table = exists("table", &log)?;
    let mut fits = has_table && exists("table", "storehouse_change_logs")?;
    let mut has_any = has_table;
    for (name, sql) in triggers(definition) {
        // Under the name that the table has now.
        let name = format!("{log}{}", &name[name.rfind('_').unwrap_or_default()..]);
        let found: Option<String> = connection
            .query_row(
                "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?",
                [&name],
                |row| row.get(0),
            )
            .optional()?;
        has_any |= found.is_some();
        fits &= found.as_deref() == Some(&*sql);
    }
    if fits {
        let known: Option<String> = connection
            .query_row(
                "SELECT columns FROM storehouse_change_logs WHERE name = ?",
                [table],
                |row| row.get(0),
            )
            .optional()?;
        fits = known.as_deref() == Some(&*columns(definition));
    }
    Ok(match (fits, has_any) {
        (true, _) => Found::Fitting,
        (false, true) => Found::Other,
        (false, false) => Found::Nothing,
    })
}

/// Makes the log of a table, unless there is one that fits; inside a transaction.
pub(crate) fn set_up(connection: &Connection, table: &Table) -> Result<()> {
    let definition = &*table.definition;
    let found = find(connection, &table.name, definition).map_err(error::of_database)?;
    if found == Found::Fitting {
        return Ok(());
    }
    if found == Found::Other {
        remove(connection, table)?;
    }
    run(connection, &create(definition))
}

/// Removes the log of a table, if there is one; inside a transaction.
pub(crate) fn remove(connection: &Connection, table: &Table) -> Result<()> {
    connection.execute_batch(LOGS).map_err(error::of_database)?;
    run(connection, &drop(&table.name))
}

fn run(connection: &Connection, statements: &[String]) -> Result<()> {
    let run = |sql: &String| connection.execute_batch(sql).map_err(error::of_database);
    statements.iter().try_for_each(run)
}

/// Reads which log it is, the last change that was deleted, and the last that there is.
pub(super) fn state(table: &Table) -> String {
    let log = quoted(&log_name(&table.name));
    format!(
        "SELECT identity, floor, coalesce((SELECT max(id) FROM {log}), floor) \
         FROM storehouse_change_logs WHERE name = ?"
    )
}

/// Reads changes behind `?1` and up to `?2`, `?3` at most.
pub(super) fn select(table: &Table) -> String {
    let definition = &*table.definition;
    format!(
        "SELECT id, kind, at, {}, {} FROM {} WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
        held('o', definition),
        held('n', definition),
        quoted(&log_name(&table.name))
    )
}

/// Deletes what is older than `cutoff`, and all but the newest `most`, never the last; no more than
/// `at_once`, so that others need not wait long. Tells whether there is more to delete.
pub(super) fn prune(
    connection: &Connection,
    table: &Table,
    cutoff: i64,
    most: i64,
    at_once: i64,
) -> rusqlite::Result<bool> {
    let log = quoted(&log_name(&table.name));
    let ends: (Option<i64>, Option<i64>) =
        connection.query_row(&format!("SELECT min(id), max(id) FROM {log}"), [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let (Some(first), Some(last)) = ends else { return Ok(false) };
    // What is old comes first, so this looks at nothing that stays but one.
    let first_young: Option<i64> = connection
        .query_row(
            &format!("SELECT id FROM {log} WHERE at >= ? ORDER BY id LIMIT 1"),
            [cutoff],
            |row| row.get(0),
        )
        .optional()?;
    let by_age = first_young.map_or(last, |young| young - 1);
    let floor = by_age.max(last.saturating_sub(most)).min(last - 1);
    if floor < first {
        return Ok(false);
    }
    let until = floor.min(first.saturating_add(at_once) - 1);
    connection.execute(
        "UPDATE storehouse_change_logs SET floor = max(floor, ?) WHERE name = ?",
        params![until, table.name],
    )?;
    connection.execute(&format!("DELETE FROM {log} WHERE id <= ?"), [until])?;
    Ok(until < floor)
}
