//! From what PostgreSQL reports to what the caller can do about it.
//!
//! The codes are those of appendix A of PostgreSQL's manual.

use std::time::Duration;

use sqlx::postgres::{PgDatabaseError, PgSeverity};
use storehouse_runtime::{Error, ReferenceProblem, Source, TableDef, aggregate};

use crate::{backend::PUBLIC, ddl::index_name, pool::Failure};

/// Two transactions could not be brought into an order.
const SERIALIZATION_FAILURE: &str = "40001";
/// Two transactions waited for each other.
const DEADLOCK_DETECTED: &str = "40P01";
/// The user may not do this.
const NO_PRIVILEGE: &str = "42501";
/// The server is on its way up or down.
const CANNOT_CONNECT_NOW: &str = "57P03";
/// A row stayed locked for longer than `lock_timeout`.
pub(crate) const LOCK_NOT_AVAILABLE: &str = "55P03";
/// A row refers to one that is not there, or is referred to.
const FOREIGN_KEY_VIOLATION: &str = "23503";
/// A key or a unique column is taken.
pub(crate) const UNIQUE_VIOLATION: &str = "23505";

/// Whether the transaction that failed was undone for the sake of others, so that running the
/// same statement again may well succeed.
pub(crate) fn may_run_again(failure: &Failure) -> bool {
    matches!(failure.code(), Some(SERIALIZATION_FAILURE | DEADLOCK_DETECTED))
}

/// Whether the connection is gone.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        // The server shuts down, an administrator ended the connection, or it was idle for longer
        // than it may be.
        sqlx::Error::Database(_) => reported(error).is_some_and(ends_connection),
        _ => false,
    }
}

/// After a fatal error the server closes the connection.
fn ends_connection(reported: &PgDatabaseError) -> bool {
    matches!(reported.severity(), PgSeverity::Fatal | PgSeverity::Panic)
        || reported.code().starts_with("08")
}

/// An error before there was a connection, so that nothing can have been done.
pub(crate) fn of_connecting(error: sqlx::Error) -> Error {
    match code(&error) {
        Some(CANNOT_CONNECT_NOW) => backend(
            format!("PostgreSQL is starting up or shutting down; try again ({error})"),
            true,
            error,
        ),
        None if is_lost(&error) => backend(
            format!(
                "PostgreSQL cannot be reached; see that it runs, and that the host and the port \
                 are right ({error})"
            ),
            true,
            error,
        ),
        _ => of_database(error),
    }
}

/// Nobody answered while a connection was being opened.
pub(crate) fn silent(waited: Duration) -> Error {
    retryable(&format!(
        "PostgreSQL did not answer for {waited:?}; see that it runs and that the network lets \
         through what it answers, or wait longer with a greater `acquire_timeout`"
    ))
}

/// An error of a statement about the table of `definition`.
pub(crate) fn of_table(failure: Failure, definition: &TableDef) -> Error {
    match failure {
        Failure::Ours(error) | Failure::Unreached(error) => error,
        Failure::Sqlx(error) => with_code(error, |error| in_table(error, definition)),
    }
}

fn in_table(error: sqlx::Error, definition: &TableDef) -> Error {
    let Some(reported) = reported(&error) else { return in_database(error) };
    let message = reported.message();
    match reported.code() {
        UNIQUE_VIOLATION => Error::conflict(columns_of(reported, definition)),
        FOREIGN_KEY_VIOLATION => reference_of(reported, definition),
        "42P01" | "3F000" => Error::no_table(&definition.full_name()),
        // No such column, another type, or no such unique constraint.
        "42703" | "42804" | "42883" | "42P10" => Error::schema(format!(
            "table `{}` differs from its definition ({message}); \
             call `setup_database()` to see every difference",
            definition.full_name()
        )),
        "23502" => Error::validation(format!(
            "column `{}` cannot be NULL in the database; give it a value",
            reported.column().unwrap_or("?")
        )),
        "2200H" => used_up(definition),
        NO_PRIVILEGE => {
            let message = format!(
                "the user lacks a privilege on table `{}` ({message}); its owner can `GRANT SELECT, \
                 INSERT, UPDATE, DELETE` on it and, where it generates ids, `USAGE, UPDATE` on \
                 their sequence",
                definition.full_name()
            );
            backend(message, false, error)
        }
        "54000" if message.contains("index row") => Error::validation(format!(
            "a key or an indexed value is too long for an index of PostgreSQL ({message}); \
             shorten it, or index a hash of it"
        )),
        // The second is how an increment of a narrow integer fails on purpose.
        "22003" | "22012" => {
            Error::validation("a number leaves the range of its column's type; nothing was changed")
        }
        code if code.starts_with("23") => {
            Error::validation(format!("the database refuses the row: {message}"))
        }
        code if code.starts_with("22") => {
            Error::validation(format!("a value does not fit its column: {message}"))
        }
        _ => in_database(error),
    }
}

/// An error of a set-up whose user may lack a privilege: says which, and what grants it.
pub(crate) fn lacks(failure: Failure, privilege: &str, grant: &str) -> Failure {
    match failure {
        // Without any privilege on a schema, it is as if there were none.
        Failure::Sqlx(error) if matches!(code(&error), Some(NO_PRIVILEGE | "3F000")) => {
            let message = format!(
                "the user lacks a privilege that the set-up needs: {privilege} ({error}). Let \
                 somebody who has it run `{grant}`, or call `setup_database()` once; a table that \
                 is there needs no privilege to be set up"
            );
            Failure::Ours(backend(message, false, error))
        }
        other => other,
    }
}

/// A set-up whose user lacks a privilege, found out before the server says so.
pub(crate) fn lack(privilege: &str, name: &str, grant: &str) -> Error {
    Error::backend(
        format!(
            "the user lacks a privilege that the set-up needs: {privilege} `{name}`. Let somebody \
             who has it run `{grant}`, or call `setup_database()` once; a table that is there \
             needs no privilege to be set up"
        ),
        None,
    )
}

/// An error of a statement about no table in particular.
pub(crate) fn of_server(failure: Failure) -> Error {
    match failure {
        Failure::Ours(error) | Failure::Unreached(error) => error,
        Failure::Sqlx(error) => of_database(error),
    }
}

/// A sum that does not fit its type, in the words that it has on every backend.
///
/// The server's numbers have as many digits as it takes, so a sum of decimal numbers that does not
/// fit is one that cannot be read.
pub(crate) fn of_sum(failure: Failure, sums_decimals: bool) -> Failure {
    const NUMERIC_VALUE_OUT_OF_RANGE: &str = "22003";
    match failure.code() {
        Some(NUMERIC_VALUE_OUT_OF_RANGE) => aggregate::overflow().into(),
        _ if sums_decimals && matches!(failure, Failure::Ours(Error::Decode { .. })) => {
            aggregate::overflow().into()
        }
        _ => failure,
    }
}

/// An error of SQL of the program's own.
pub(crate) fn of_raw(failure: Failure) -> Error {
    match failure {
        Failure::Ours(error) | Failure::Unreached(error) => error,
        Failure::Sqlx(error) => with_code(error, in_raw),
    }
}

fn in_raw(error: sqlx::Error) -> Error {
    let Some(reported) = reported(&error) else { return in_database(error) };
    let message = reported.message();
    match reported.code() {
        UNIQUE_VIOLATION => {
            let columns = listed(reported).split(", ").filter(|name| !name.is_empty());
            Error::conflict(columns.map(|name| name.trim_matches('"').to_owned()).collect())
        }
        "23502" => Error::validation(format!(
            "column `{}` cannot be NULL in the database; give it a value",
            reported.column().unwrap_or("?")
        )),
        "42P01" | "3F000" => Error::schema(format!(
            "{message}; call `setup_database()` on its handle first, or mend the name"
        )),
        code if code.starts_with("23") => {
            Error::validation(format!("the database refuses the row: {message}"))
        }
        code if code.starts_with("22") => {
            Error::validation(format!("a value does not fit: {message}"))
        }
        // All of class 42 is about the statement, but for the privileges of the user.
        code if code.starts_with("42") && code != NO_PRIVILEGE => {
            Error::validation(format!("PostgreSQL does not take the statement: {message}"))
        }
        _ => in_database(error),
    }
}

/// Notes the code that the server gave.
fn with_code(error: sqlx::Error, convert: impl FnOnce(sqlx::Error) -> Error) -> Error {
    match code(&error).map(Box::<str>::from) {
        Some(code) => convert(error).with_status_code(code),
        None => convert(error),
    }
}

/// An error that is about no table in particular.
pub(crate) fn of_database(error: sqlx::Error) -> Error {
    with_code(error, in_database)
}

fn in_database(error: sqlx::Error) -> Error {
    let Some(reported) = reported(&error) else {
        let retryable = is_lost(&error);
        let advice = if retryable {
            "the connection to PostgreSQL was lost; \
             a write that was under way may or may not have been done"
        } else {
            "PostgreSQL could not be asked"
        };
        return backend(format!("{advice} ({error})"), retryable, error);
    };
    let message = reported.message();
    let (advice, retryable) = match reported.code() {
        LOCK_NOT_AVAILABLE => {
            return Error::busy(
                "another transaction holds a row that this one needs; \
                 try again, or wait longer with a greater `lock_timeout`",
            );
        }
        "53300" => {
            return Error::busy(format!(
                "the server takes no more connections ({message}); try again, \
                 lower `max_connections`, or raise it on the server"
            ));
        }
        SERIALIZATION_FAILURE => ("others changed what this transaction read; run it again", true),
        DEADLOCK_DETECTED => ("two transactions waited for each other; run this one again", true),
        "25P02" => (
            "a statement of the transaction failed before, so only a rollback is possible; \
             roll it back, and run it again",
            false,
        ),
        "57014" => ("the statement was cancelled, or took longer than it may", true),
        code if code.starts_with("28") => ("the server refuses the user or the password", false),
        "3D000" => ("the database does not exist; create it first", false),
        NO_PRIVILEGE => ("the user lacks a privilege; grant it, or let its owner do this", false),
        "53100" => ("the server's disk is full; make room and try again", false),
        "25006" => ("the server is a read-only replica; connect to the primary", false),
        _ if ends_connection(reported) => (
            "the server ended the connection; \
             a write that was under way may or may not have been done",
            true,
        ),
        _ => ("PostgreSQL refused the statement", false),
    };
    backend(format!("{advice} ({message})"), retryable, error)
}

/// A read that broke off after it had given rows.
pub(crate) fn lost_midway() -> Error {
    retryable("the connection to PostgreSQL was lost in the middle of an answer; read again")
}

fn retryable(message: &str) -> Error {
    Error::Backend {
        message: message.to_owned(),
        retryable: true,
        source: None,
        context: Box::default(),
    }
}

fn backend(message: String, retryable: bool, error: sqlx::Error) -> Error {
    Error::Backend {
        message,
        retryable,
        source: Some(Source::from(error)),
        context: Box::default(),
    }
}

fn code(error: &sqlx::Error) -> Option<&str> {
    reported(error).map(PgDatabaseError::code)
}

fn reported(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    match error {
        sqlx::Error::Database(error) => error.try_downcast_ref(),
        _ => None,
    }
}

/// No id is left in the sequence.
fn used_up(definition: &TableDef) -> Error {
    let column = definition.auto_integer().map(|column| &definition.columns[column]);
    let (name, rust_name) =
        column.map_or(("?", "?"), |column| (&*column.name, column.column_type.rust_name()));
    Error::validation(format!(
        "table `{}` has used up its ids: column `{name}` is {rust_name}, and an id is never \
         given twice; use a wider type, or give ids yourself",
        definition.full_name()
    ))
}

/// Which reference does not hold. The table that PostgreSQL names is always the one that refers.
fn reference_of(reported: &PgDatabaseError, definition: &TableDef) -> Error {
    let constraint = reported.constraint().unwrap_or_default();
    let referring = reported.table().unwrap_or_default();
    let schema = reported.schema().unwrap_or_default();
    let is_own_schema = definition.schema.as_deref().is_none_or(|own| own == schema);
    let own = (definition.references.iter())
        .find(|reference| index_name(&reference.name(definition)) == constraint);
    // Where a table refers to itself, the columns tell which of its two sides it is.
    let is_side = |column: usize| {
        let listed = listed(reported).trim_matches('"');
        listed.is_empty() || *listed == *definition.columns[column].name
    };
    if referring == definition.name && is_own_schema {
        let Some(own) = own else {
            let columns = columns_of(reported, definition);
            return Error::reference(ReferenceProblem::Missing, columns, "");
        };
        let columns = vec![definition.columns[own.column].name.to_string()];
        let target = own.target(definition).full_name();
        let is_missing = !own.is_to_itself(definition) || is_side(own.column);
        let problem = if is_missing { ReferenceProblem::Missing } else { ReferenceProblem::InUse };
        return Error::reference(problem, columns, target);
    }
    let column = constraint
        .strip_prefix(referring)
        .and_then(|rest| rest.strip_prefix('_')?.strip_suffix("_fkey"))
        .map(str::to_owned);
    let referring = match schema {
        "" | PUBLIC => referring.to_owned(),
        schema => format!("{schema}.{referring}"),
    };
    Error::reference(ReferenceProblem::InUse, column.into_iter().collect(), referring)
}

/// The columns of the constraint that was hit.
fn columns_of(reported: &PgDatabaseError, definition: &TableDef) -> Vec<String> {
    let constraint = reported.constraint().unwrap_or_default();
    let index = definition.indexes.iter().find(|index| index_name(&index.name) == constraint);
    if let Some(index) = index {
        return names(definition, &index.columns);
    }
    let mut listed: Vec<usize> = listed(reported)
        .split(", ")
        .filter_map(|name| definition.column(name.trim_matches('"')))
        .collect();
    let mut key = definition.key.to_vec();
    key.sort_unstable();
    listed.sort_unstable();
    if key == listed { names(definition, &definition.key) } else { names(definition, &listed) }
}

/// The columns in `Key (tenant, id)=(..) already exists.`, in whatever language.
fn listed(reported: &PgDatabaseError) -> &str {
    let listed = reported.detail().and_then(|detail| detail.split_once('(')?.1.split_once(")=("));
    listed.map_or("", |(listed, _)| listed)
}

fn names(definition: &TableDef, columns: &[usize]) -> Vec<String> {
    columns.iter().map(|&column| definition.columns[column].name.to_string()).collect()
}
