//! Foreign keys that are looked at when an operation is done, where PostgreSQL by itself would look
//! too early: between the statements of a bulk, and in the middle of a deletion, when it comes to
//! a restriction before a cascade has taken away what it is about.

use sqlx::PgConnection;
use storehouse_runtime::{EncodedKey, Error, FilterTree, ReferenceProblem, Result, sql::Command};

use crate::{engine::Engine, pool::Failure, table::Table, write};

const PUT_OFF: &str = "SET CONSTRAINTS ALL DEFERRED";
const LOOK: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// What is deleted.
#[derive(Clone, Copy)]
pub(crate) enum Deletion<'a> {
    Key(&'a EncodedKey),
    Search(&'a FilterTree),
    All,
}

/// Whether a deletion was refused that may be right as a whole.
pub(crate) fn may_hold_later<R>(engine: &Engine, result: &Result<R>) -> bool {
    let is_in_use =
        matches!(result, Err(Error::Reference { problem: ReferenceProblem::InUse, .. }));
    is_in_use && engine.profile.has_deferrable_keys()
}

/// Deletes, and looks at every foreign key afterwards. Counts the rows.
pub(crate) async fn delete(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    deletion: Deletion<'_>,
    in_transaction: bool,
) -> Result<u64, Failure> {
    if !in_transaction {
        sqlx::raw_sql("BEGIN").execute(&mut *connection).await?;
    }
    let result = delete_and_look(engine, table, connection, deletion).await;
    if !in_transaction {
        let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = sqlx::raw_sql(end).execute(connection).await;
        if !result.as_ref().is_err_and(Failure::is_lost) {
            ended?;
        }
    }
    result
}

async fn delete_and_look(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    deletion: Deletion<'_>,
) -> Result<u64, Failure> {
    put_off(connection).await?;
    let deleted = match deletion {
        Deletion::Key(key) => write::delete(engine, table, connection, key).await?.into(),
        Deletion::Search(filter) => {
            write::execute(engine, table, connection, Command::Delete(filter)).await?
        }
        Deletion::All => write::delete_all(table, connection).await.map(|()| 0)?,
    };
    look(connection).await?;
    Ok(deleted)
}

/// Whether a row of several statements may refer to one of a later statement, or give up what
/// others refer to until a later one takes it.
pub(crate) fn is_needed_between(engine: &Engine, table: &Table) -> bool {
    let definition = &*table.definition;
    engine.profile.has_deferrable_keys()
        && (definition.references.iter().any(|reference| reference.is_to_itself(definition))
            || definition.indexes.iter().any(|index| index.unique))
}

/// Lets foreign keys not hold for a while, inside a transaction.
pub(crate) async fn put_off(connection: &mut PgConnection) -> Result<(), Failure> {
    sqlx::raw_sql(PUT_OFF).execute(connection).await?;
    Ok(())
}

/// Fails when one does not hold.
pub(crate) async fn look(connection: &mut PgConnection) -> Result<(), Failure> {
    sqlx::raw_sql(LOOK).execute(connection).await?;
    Ok(())
}
