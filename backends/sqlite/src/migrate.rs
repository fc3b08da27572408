//! Migrations: from the tables that are there to those that are defined.
//!
//! A plan is tried on an empty copy of the schema while it is made, so that what SQLite would
//! refuse is known before anything is touched. It is done in one transaction, in which it is made
//! once more: what another process did meanwhile is not done twice.

mod changes;
mod columns;
mod convert;
mod indexes;
mod planner;
mod rebuild;
mod references;
mod scratch;

use std::sync::Arc;

use rusqlite::Connection;
use storehouse_runtime::{
    Error, MigrationStep, MigrationStepKind, PlannedSteps, Result, TableDef,
    migration::{check_same, check_steps},
};

pub(crate) use self::planner::plan;
use crate::{error, group};

/// Does the planned steps, all or none. The connection is in no transaction.
pub(crate) fn apply(
    connection: &Connection,
    tables: &[Arc<TableDef>],
    planned: &[MigrationStep],
) -> Result<()> {
    // A pragma that does nothing inside a transaction: dropping a table that is written anew would
    // delete what refers to it.
    let _settings = Settings::keep(connection).map_err(error::of_database)?;
    set(connection, "foreign_keys", false).map_err(error::of_database)?;
    group::begin(connection).map_err(error::of_database)?;
    let transaction = Open(connection);
    let PlannedSteps { steps, .. } = plan(connection, tables)?;
    if steps.is_empty() {
        return Ok(());
    }
    check_steps(&steps)?;
    check_same(planned, &steps)?;
    let is_rebuilt = steps.iter().any(|step| step.kind == MigrationStepKind::Rebuild);
    let dangling = if is_rebuilt { dangling(connection)? } else { 0 };
    for step in &steps {
        for sql in &step.sql {
            connection.execute_batch(sql).map_err(|error| of_step(step, error))?;
        }
    }
    if is_rebuilt && self::dangling(connection)? > dangling {
        return Err(Error::schema(
            "after these steps rows would refer to rows that are not there; \
             `PRAGMA foreign_key_check` tells which. Nothing was changed",
        ));
    }
    group::commit(connection).map_err(error::of_database)?;
    drop(transaction);
    Ok(())
}

fn of_step(step: &MigrationStep, error: rusqlite::Error) -> Error {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) {
        return Error::schema(format!(
            "rows of table `{}` are in the way of this step: {} ({error}). Nothing was changed",
            step.table, step.kind
        ));
    }
    error::of_database(error)
}

/// How many rows refer to rows that are not there.
fn dangling(connection: &Connection) -> Result<i64> {
    let count = "SELECT count(*) FROM pragma_foreign_key_check";
    connection.query_row(count, [], |row| row.get(0)).map_err(error::of_database)
}

fn set(connection: &Connection, pragma: &str, value: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, pragma, value)
}

/// Undoes what was not committed, also after a panic.
struct Open<'c>(&'c Connection);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            group::rollback(self.0);
        }
    }
}

/// Puts the settings that a migration changes back.
struct Settings<'c> {
    connection: &'c Connection,
    foreign_keys: bool,
    legacy_alter_table: bool,
}

impl<'c> Settings<'c> {
    fn keep(connection: &'c Connection) -> rusqlite::Result<Self> {
        let get = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
        Ok(Self {
            connection,
            foreign_keys: get("foreign_keys")?,
            legacy_alter_table: get("legacy_alter_table")?,
        })
    }
}

impl Drop for Settings<'_> {
    fn drop(&mut self) {
        let put_back = set(self.connection, "foreign_keys", self.foreign_keys)
            .and_then(|()| set(self.connection, "legacy_alter_table", self.legacy_alter_table));
        if let Err(error) = put_back {
            tracing::warn!(target: "storehouse", %error, "a setting could not be put back");
        }
    }
}
