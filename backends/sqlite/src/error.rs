//! From what SQLite reports to what the caller can do about it.

use rusqlite::{Error as SqliteError, ErrorCode, ffi};
use storehouse_runtime::{Error, Source, aggregate};

use crate::{functions::OVERFLOW, table::Table};

/// An error of a statement about `table`.
pub(crate) fn of_table(error: SqliteError, table: &Table) -> Error {
    with_code(error, |error| in_table(error, table))
}

fn in_table(error: SqliteError, table: &Table) -> Error {
    let Some((failure, message)) = reported(&error) else { return in_database(error) };
    match failure.code {
        ErrorCode::ConstraintViolation => of_constraint(failure, message, table),
        ErrorCode::TypeMismatch => {
            Error::validation(format!("a value does not fit its column: {message}"))
        }
        ErrorCode::Unknown if message == "integer overflow" => {
            Error::validation("a number leaves the range of its column's type; nothing was changed")
        }
        ErrorCode::Unknown if message == OVERFLOW => aggregate::overflow(),
        ErrorCode::Unknown if message.starts_with("no such table") => Error::no_table(&table.name),
        ErrorCode::Unknown
            if message.starts_with("no such column")
                || message.contains("has no column named")
                || message.contains("does not match any PRIMARY KEY or UNIQUE constraint") =>
        {
            Error::schema(format!(
                "table `{}` differs from its definition ({message}); \
                 call `setup_database()` to see every difference",
                table.name
            ))
        }
        ErrorCode::Unknown if message.contains("trigger recursion") => Error::validation(
            "the deletion cascades through more than 1000 rows, each of which refers to the one \
             before; delete the last ones first",
        ),
        _ => in_database(error),
    }
}

/// An error of SQL of the program's own.
pub(crate) fn of_raw(error: SqliteError) -> Error {
    with_code(error, in_raw)
}

fn in_raw(error: SqliteError) -> Error {
    let Some((failure, message)) = reported(&error) else { return in_database(error) };
    let details = message.split_once("failed: ").map_or("", |(_, details)| details);
    match (failure.code, failure.extended_code) {
        (
            _,
            ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_ROWID,
        ) => {
            // `products.sku, products.lot`; the table's name may have a point in it.
            let columns = details.split(", ").filter_map(|name| name.rsplit_once('.'));
            Error::conflict(columns.map(|(_, column)| column.to_owned()).collect())
        }
        (_, ffi::SQLITE_CONSTRAINT_NOTNULL) => Error::validation(format!(
            "column `{}` cannot be NULL in the database; give it a value",
            details.rsplit_once('.').map_or(details, |(_, column)| column)
        )),
        (ErrorCode::TypeMismatch, _) => {
            Error::validation(format!("a value does not fit its column: {message}"))
        }
        (ErrorCode::Unknown, _) if message == OVERFLOW => aggregate::overflow(),
        (ErrorCode::Unknown, _) if message.starts_with("no such table") => Error::schema(format!(
            "there is {message}; call `setup_database()` on its handle first, or mend the name"
        )),
        (ErrorCode::Unknown, _) => {
            Error::validation(format!("SQLite does not take the statement: {message}"))
        }
        _ => in_database(error),
    }
}

/// Notes the code that SQLite gave.
fn with_code(error: SqliteError, convert: impl FnOnce(SqliteError) -> Error) -> Error {
    match reported(&error).map(|(failure, _)| failure.extended_code) {
        Some(code) => convert(error).with_status_code(code.to_string()),
        None => convert(error),
    }
}

/// An error that is about no table in particular.
pub(crate) fn of_database(error: SqliteError) -> Error {
    with_code(error, in_database)
}

fn in_database(error: SqliteError) -> Error {
    let Some((failure, message)) = reported(&error) else {
        return Error::backend(format!("SQLite failed: {error}"), Some(Box::new(error)));
    };
    let advice = match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            return Error::busy(
                "the database is in use by another process or connection; \
                 try again, or wait longer with a greater `busy_timeout`",
            );
        }
        ErrorCode::TooBig => {
            return Error::validation("a value is larger than SQLite can hold (1 GB); split it");
        }
        ErrorCode::ConstraintViolation => {
            return Error::validation(format!("the database refuses the change: {message}"));
        }
        ErrorCode::DiskFull => "the disk is full; make room and try again",
        ErrorCode::SystemIoFailure => "the file could not be read or written; check the disk",
        ErrorCode::DatabaseCorrupt => {
            "the file is damaged; restore it from a backup, or save what is left with \
             the `.recover` command of the `sqlite3` program"
        }
        ErrorCode::NotADatabase => "the file is not a SQLite database; check its path",
        ErrorCode::ReadOnly => {
            "the database cannot be written to; check the permissions of the file and its folder"
        }
        ErrorCode::CannotOpen => {
            "a file of the database cannot be opened; check the permissions of its folder, \
             and how many files the process may open"
        }
        ErrorCode::OutOfMemory => "there is no memory left",
        _ => "SQLite refused the statement",
    };
    let message = format!("{advice} ({message})");
    Error::backend(message, Some(Box::new(error)))
}

/// A transaction that SQLite undid as a whole, for whatever reason: trying again may succeed.
pub(crate) fn undone_with_others() -> Error {
    Error::Backend {
        message: "an operation that was to be committed together with this one failed so badly \
                  that SQLite undid them all; try again"
            .to_owned(),
        retryable: true,
        source: None,
        context: Box::default(),
    }
}

/// What can be told to several callers, each of whom gets an error of their own.
pub(crate) fn copy(error: &SqliteError) -> SqliteError {
    match reported(error) {
        Some((failure, message)) => SqliteError::SqliteFailure(failure, Some(message.to_owned())),
        None => SqliteError::ToSqlConversionFailure(Source::from(error.to_string())),
    }
}

/// The code and the message, where the error is SQLite's own and not rusqlite's.
fn reported(error: &SqliteError) -> Option<(ffi::Error, &str)> {
    match error {
        SqliteError::SqliteFailure(failure, message) => {
            Some((*failure, message.as_deref().unwrap_or("no details")))
        }
        SqliteError::SqlInputError { error, msg, .. } => Some((*error, msg)),
        _ => None,
    }
}

fn of_constraint(failure: ffi::Error, message: &str, table: &Table) -> Error {
    let details = message.split_once("failed: ").map_or("", |(_, details)| details);
    match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => Error::conflict(columns(details, table)),
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            let column = columns(details, table).join(", ");
            Error::validation(format!(
                "column `{column}` cannot be NULL in the database; give it a value"
            ))
        }
        _ => Error::validation(format!("the database refuses the row: {message}")),
    }
}

/// The columns in SQLite's list, `products.sku, products.lot`. An index over expressions has
/// none; its name stands there instead.
fn columns(details: &str, table: &Table) -> Vec<String> {
    let column = |qualified: &str| {
        let column = qualified.strip_prefix(table.name.as_str())?.strip_prefix('.')?;
        Some(column.to_owned())
    };
    details.split(", ").filter_map(column).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use storehouse_runtime::{DerivedSql, ManagedColumns, TableDef};

    use super::*;
    use crate::table::Tables;

    fn table() -> Arc<Table> {
        Tables::default().get(&Arc::new(TableDef {
            schema: Some("shop".into()),
            name: "products".into(),
            description: None,
            columns: Vec::new().into(),
            key: Vec::new().into(),
            auto: None,
            indexes: Vec::new().into(),
            shard_by: None,
            references: Vec::new().into(),
            managed: ManagedColumns::NONE,
            rename_from: Vec::new().into(),
            changes: false,
            given_schema: None,
            sql: DerivedSql::default(),
        }))
    }

    fn failure(code: i32, message: &str) -> SqliteError {
        SqliteError::SqliteFailure(ffi::Error::new(code), Some(message.to_owned()))
    }

    #[test]
    fn a_clash_names_its_columns() {
        let conflict = |message: &str| {
            let error = failure(ffi::SQLITE_CONSTRAINT_UNIQUE, message);
            match of_table(error, &table()) {
                Error::Conflict { columns, .. } => columns,
                other => panic!("{other}"),
            }
        };
        let one = conflict("UNIQUE constraint failed: shop.products.sku");
        assert_eq!(one, ["sku"]);
        let two = conflict("UNIQUE constraint failed: shop.products.a, shop.products.b");
        assert_eq!(two, ["a", "b"]);
        assert!(conflict("UNIQUE constraint failed: index 'upper'").is_empty());
        assert!(conflict("something else").is_empty());
        for code in [ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_CONSTRAINT_ROWID] {
            let error = of_table(failure(code, ""), &table());
            assert!(matches!(error, Error::Conflict { .. }), "{error}");
        }
    }

    #[test]
    fn what_a_table_refuses() {
        for (code, message, expected) in [
            (
                ffi::SQLITE_CONSTRAINT_NOTNULL,
                "NOT NULL constraint failed: shop.products.sku",
                "column `sku` cannot be NULL",
            ),
            (ffi::SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: x", "refuses the row: CHECK"),
            (
                ffi::SQLITE_CONSTRAINT_DATATYPE,
                "cannot store TEXT value in INTEGER column",
                "refuses the row: cannot store",
            ),
            (ffi::SQLITE_MISMATCH, "datatype mismatch", "does not fit its column"),
            (ffi::SQLITE_TOOBIG, "string or blob too big", "larger than SQLite can hold"),
        ] {
            let error = of_table(failure(code, message), &table());
            assert!(matches!(error, Error::Validation { .. }), "{error:?}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_table_that_is_not_there_or_not_as_defined() {
        for (message, expected) in [
            ("no such table: shop.products", "`shop.products` does not exist"),
            ("no such column: sku", "differs from its definition (no such column: sku)"),
            ("table products has no column named sku", "differs from its definition"),
            (
                "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint",
                "differs from its definition",
            ),
        ] {
            let error = of_table(failure(ffi::SQLITE_ERROR, message), &table());
            assert!(matches!(error, Error::Schema { .. }), "{error:?}");
            assert!(error.to_string().contains(expected), "{error}");
        }
        let deep = failure(ffi::SQLITE_ERROR, "too many levels of trigger recursion");
        let error = of_table(deep, &table());
        assert!(matches!(error, Error::Validation { .. }), "{error:?}");
        let error = of_table(failure(ffi::SQLITE_ERROR, "near \"x\": syntax error"), &table());
        assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    }

    #[test]
    fn failures_of_the_database_say_what_to_do() {
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED, ffi::SQLITE_BUSY_SNAPSHOT] {
            let error = of_table(failure(code, "locked"), &table());
            assert!(matches!(error, Error::Busy { .. }), "{error:?}");
        }
        for (code, expected) in [
            (ffi::SQLITE_FULL, "make room"),
            (ffi::SQLITE_IOERR_READ, "check the disk"),
            (ffi::SQLITE_CORRUPT, "backup"),
            (ffi::SQLITE_NOTADB, "not a SQLite database"),
            (ffi::SQLITE_READONLY, "permissions of the file"),
            (ffi::SQLITE_CANTOPEN, "permissions of its folder"),
            (ffi::SQLITE_NOMEM, "no memory"),
            (ffi::SQLITE_INTERNAL, "refused the statement"),
        ] {
            let error = of_database(failure(code, "details"));
            assert!(matches!(error, Error::Backend { source: Some(_), .. }), "{error:?}");
            let message = error.to_string();
            assert!(message.contains(expected) && message.contains("(details)"), "{message}");
        }
        let error = of_database(SqliteError::InvalidQuery);
        assert!(matches!(error, Error::Backend { .. }), "{error:?}");
        let error = of_database(failure(ffi::SQLITE_CONSTRAINT_FOREIGNKEY, "FOREIGN KEY"));
        assert!(matches!(error, Error::Validation { .. }), "{error:?}");
    }

    #[test]
    fn a_copy_says_the_same() {
        let busy = failure(ffi::SQLITE_BUSY, "locked");
        assert!(matches!(of_database(copy(&busy)), Error::Busy { .. }));
        let other = of_database(copy(&SqliteError::InvalidQuery)).to_string();
        assert!(other.contains(&SqliteError::InvalidQuery.to_string()), "{other}");
    }
}
