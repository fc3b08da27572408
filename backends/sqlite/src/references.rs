//! References between tables: what SQLite leaves to its callers.
//!
//! SQLite says that a foreign key does not hold, but not which, so that is found out afterwards.
//! And it looks after each statement, where a bulk is several: a row may refer to one that comes
//! later, so the look is put off to the end of the bulk.

use rusqlite::{Connection, Error as SqliteError, OptionalExtension as _, Statement, ffi};
use storehouse_runtime::{
    Assignment, AssignmentKind, Error, ReferenceProblem, Result, TableDef, Value, sql::Command,
};
use storehouse_sql::Dialect;

use crate::{bind, error, table::Table};

/// Whether a statement failed because a foreign key would not hold.
fn is_violation(error: &SqliteError) -> bool {
    let code = error.sqlite_error().map(|failure| failure.extended_code);
    code == Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// An error of a write; where a foreign key does not hold, says which. `written` are the values
/// that columns would have.
pub(crate) fn of_write<'a>(
    error: SqliteError,
    connection: &Connection,
    table: &Table,
    written: &(impl Iterator<Item = (usize, &'a Value)> + Clone),
) -> Error {
    if !is_violation(&error) {
        return error::of_table(error, table);
    }
    let definition = &*table.definition;
    for reference in &*definition.references {
        let target = reference.target(definition);
        let comes_with_it = |value: &Value| {
            let mut others = written.clone();
            reference.is_to_itself(definition)
                && others.any(|(column, other)| {
                    column == reference.referenced && other.compare(value).is_eq()
                })
        };
        let values = written.clone().filter(|(column, _)| *column == reference.column);
        for (column, value) in values {
            let is_there = value.is_null()
                || comes_with_it(value)
                || has_row(connection, target, reference.referenced, value).unwrap_or(true);
            if !is_there {
                let columns = vec![definition.columns[column].name.to_string()];
                return Error::reference(ReferenceProblem::Missing, columns, target.full_name());
            }
        }
    }
    in_use(referring(connection, table).unwrap_or_default().into_iter())
}

/// An error of a command that changes rows, or writes one and gives it back.
pub(crate) fn of_command(
    error: SqliteError,
    connection: &Connection,
    table: &Table,
    command: Command<'_>,
) -> Error {
    let (row, assignments) = match command {
        Command::Upsert { row, assignments, .. } => (Some(row), assignments),
        Command::Update { assignments, .. } | Command::UpdateWhere { assignments, .. } => {
            (None, assignments)
        }
        _ => (None, &[][..]),
    };
    let is_set = |assignment: &&Assignment| assignment.kind == AssignmentKind::Set;
    let set = (assignments.iter().filter(is_set))
        .map(|assignment| (assignment.column, &assignment.value));
    let inserted = row.into_iter().flat_map(|row| row.0.iter().enumerate());
    let error = of_write(error, connection, table, &inserted.chain(set));
    // What an increment comes to is known to SQLite alone; if it is not that, it is what it was.
    let incremented = (table.definition.references.iter()).find(|reference| {
        let mut others = assignments.iter().filter(|assignment| !is_set(assignment));
        others.any(|assignment| assignment.column == reference.column)
    });
    match (error, incremented) {
        (Error::Reference { problem: ReferenceProblem::InUse, .. }, Some(reference)) => {
            let definition = &*table.definition;
            let columns = vec![definition.columns[reference.column].name.to_string()];
            let target = reference.target(definition).full_name();
            Error::reference(ReferenceProblem::Missing, columns, target)
        }
        (error, _) => error,
    }
}

/// An error of a deletion; where a foreign key does not hold, says which. `sql` is the statement,
/// and `bind` gives it its values.
pub(crate) fn of_deletion(
    error: SqliteError,
    connection: &Connection,
    table: &Table,
    sql: &str,
    bind: impl Fn(&mut Statement<'_>) -> rusqlite::Result<()>,
) -> Error {
    if !is_violation(&error) {
        return error::of_table(error, table);
    }
    let refers = |reference: &Referring| {
        let (true, Some(referenced)) = (reference.is_direct, &reference.referenced) else {
            return Ok(false);
        };
        let mut exists = String::from("SELECT EXISTS (SELECT 1 FROM ");
        Dialect::Sqlite.push_identifier(&mut exists, &reference.table);
        exists.push_str(" WHERE ");
        Dialect::Sqlite.push_identifier(&mut exists, &reference.column);
        exists.push_str(" IN (SELECT ");
        Dialect::Sqlite.push_identifier(&mut exists, referenced);
        exists.push_str(sql.trim_start_matches("DELETE"));
        exists.push_str("))");
        let mut statement = connection.prepare(&exists)?;
        bind(&mut statement)?;
        let mut rows = statement.raw_query();
        rows.next()?.map_or(Ok(false), |row| row.get(0))
    };
    let mut all = referring(connection, table).unwrap_or_default();
    all.retain(|reference| !reference.follows_deletion);
    if let Some(found) = all.iter().position(|reference| refers(reference).unwrap_or(false)) {
        return in_use(std::iter::once(all.swap_remove(found)));
    }
    in_use(all.into_iter().filter(|reference| !reference.is_direct))
}

/// Names the reference if it is the only one.
fn in_use(mut candidates: impl Iterator<Item = Referring>) -> Error {
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => {
            Error::reference(ReferenceProblem::InUse, vec![only.column], only.table)
        }
        _ => Error::reference(ReferenceProblem::InUse, Vec::new(), ""),
    }
}

fn has_row(
    connection: &Connection,
    target: &TableDef,
    column: usize,
    value: &Value,
) -> rusqlite::Result<bool> {
    let mut sql = String::from("SELECT 1 FROM ");
    Dialect::Sqlite.push_table(&mut sql, target.schema.as_deref(), &target.name);
    sql.push_str(" WHERE ");
    Dialect::Sqlite.push_identifier(&mut sql, &target.columns[column].name);
    sql.push_str(" = ?");
    let mut statement = connection.prepare(&sql)?;
    bind::values(&mut statement, 1, std::slice::from_ref(value))?;
    Ok(statement.raw_query().next()?.is_some())
}

/// A foreign key of a table to the one in question, or to one whose rows go with it.
struct Referring {
    table: String,
    column: String,
    /// `None` for the key.
    referenced: Option<String>,
    /// Whether it refers to the table in question.
    is_direct: bool,
    /// Whether its rows follow a deletion, and so do not prevent it.
    follows_deletion: bool,
}

/// The foreign keys by which rows of the table, or rows that are deleted with them, are referred
/// to.
fn referring(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<Referring>> {
    let mut statement = connection.prepare(
        "SELECT m.name, f.\"from\", f.\"to\", f.on_delete \
         FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f \
         WHERE m.type = 'table' AND f.\"table\" = ? COLLATE NOCASE",
    )?;
    let mut all = Vec::new();
    let mut tables = vec![table.name.clone()];
    let mut next = 0;
    while let Some(name) = tables.get(next) {
        let is_direct = next == 0;
        let found = statement.query_map([name], |row| {
            let on_delete: String = row.get(3)?;
            let follows_deletion = ["CASCADE", "SET NULL", "SET DEFAULT"].contains(&&*on_delete);
            let reference = Referring {
                table: row.get(0)?,
                column: row.get(1)?,
                referenced: row.get(2)?,
                is_direct,
                follows_deletion,
            };
            Ok((reference, on_delete == "CASCADE"))
        })?;
        for found in found.collect::<rusqlite::Result<Vec<_>>>()? {
            let (reference, is_cascade) = found;
            if is_cascade && !tables.contains(&reference.table) {
                tables.push(reference.table.clone());
            }
            all.push(reference);
        }
        next += 1;
    }
    Ok(all)
}

/// Fails when a table that `definition` refers to is not there.
pub(crate) fn check_targets(connection: &Connection, definition: &TableDef) -> Result<()> {
    for reference in &*definition.references {
        let target = reference.target(definition).full_name();
        let is_there = reference.is_to_itself(definition)
            || connection
                .query_row(
                    "SELECT 1 FROM pragma_table_list(?) WHERE schema = 'main'",
                    [&target],
                    |_| Ok(()),
                )
                .optional()
                .map_err(error::of_database)?
                .is_some();
        if !is_there {
            return Err(Error::schema(format!(
                "table `{}` refers to table `{target}`, which does not exist; set up `{target}` \
                 first, or both together with `store.setup_database::<(..)>()`",
                definition.full_name()
            )));
        }
    }
    Ok(())
}

/// Lets the statements of a bulk run before their foreign keys hold.
///
/// It begins with the first statement that needs it, since the switch makes SQLite prepare every
/// statement of the connection anew.
pub(crate) struct Bulk<'a> {
    connection: &'a Connection,
    is_put_off: bool,
}

const PUT_OFF: &str = "PRAGMA defer_foreign_keys = ON";
const AS_BEFORE: &str = "PRAGMA defer_foreign_keys = OFF";

impl<'a> Bulk<'a> {
    pub(crate) const fn new(connection: &'a Connection) -> Self {
        Self { connection, is_put_off: false }
    }

    /// Runs a statement whose values are bound.
    pub(crate) fn execute(&mut self, statement: &mut Statement<'_>) -> rusqlite::Result<usize> {
        self.run(|| statement.raw_execute())
    }

    /// Does what runs one statement, and does it again when that is what it takes.
    pub(crate) fn run<R>(
        &mut self,
        mut statement: impl FnMut() -> rusqlite::Result<R>,
    ) -> rusqlite::Result<R> {
        match statement() {
            // What else is put off, by the program itself, could not be told from this.
            Err(error) if is_violation(&error) && !self.is_put_off && !self.is_any_open() => {
                self.connection.execute_batch(PUT_OFF)?;
                self.is_put_off = true;
                statement()
            }
            result => result,
        }
    }

    /// Fails when a foreign key does not hold now.
    pub(crate) fn finish(self) -> rusqlite::Result<()> {
        if self.is_put_off && self.is_any_open() {
            let failure = ffi::Error::new(ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
            return Err(SqliteError::SqliteFailure(failure, None));
        }
        Ok(())
    }

    /// Whether a foreign key that was put off does not hold.
    fn is_any_open(&self) -> bool {
        let (mut current, mut greatest) = (0, 0);
        // SAFETY: the handle is that of an open connection, which outlives the call, and the two
        // numbers are written to by it alone.
        let asked = unsafe {
            ffi::sqlite3_db_status(
                self.connection.handle(),
                ffi::SQLITE_DBSTATUS_DEFERRED_FKS,
                &raw mut current,
                &raw mut greatest,
                0,
            )
        };
        asked != ffi::SQLITE_OK || current != 0
    }
}

/// What failed is undone by whoever began the transaction or the savepoint.
impl Drop for Bulk<'_> {
    fn drop(&mut self) {
        if self.is_put_off {
            // It cannot fail, and ends with the transaction in any case.
            let _ = self.connection.execute_batch(AS_BEFORE);
        }
    }
}
