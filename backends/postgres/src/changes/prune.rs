//! Keeps a log from growing for ever.
//!
//! What may go is told by checkpoints: snapshots that are noted from time to time. What was
//! visible in one has been there to be read since then, whenever it was written; so a transaction
//! that was open for longer than changes are kept loses nothing.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr as _};

use super::ddl::Names;
use crate::{
    engine::Engine,
    error,
    pool::{Failure, never_again, run},
    table::Table,
};

/// "storehoc" in ASCII, so that one prunes at a time.
const PRUNE_LOCK: i32 = 0x7374_6f72;

/// Prunes the log of a table on a task of its own, where it is time to. Nobody waits for that.
pub(crate) fn prune_if_due(engine: &Arc<Engine>, table: &Arc<Table>) {
    let retention = engine.signals.retention();
    if !table.pruning.is_due(retention.interval()) {
        return;
    }
    let (engine, table) = (Arc::clone(engine), Arc::clone(table));
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        let pruned = run!(engine.singles, never_again, |connection| in_transaction(
            &engine, &table, connection
        ));
        if let Err(failure) = pruned {
            let error = error::of_table(failure, &table.definition);
            tracing::warn!(target: "storehouse::changes", %error, "a log was not pruned");
        }
    });
}

async fn in_transaction(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    if engine.options.transaction_pooling {
        return prune(engine, table, connection).await;
    }
    sqlx::raw_sql("BEGIN ISOLATION LEVEL READ COMMITTED").execute(&mut *connection).await?;
    let pruned = prune(engine, table, connection).await;
    let end = if pruned.is_ok() { "COMMIT" } else { "ROLLBACK" };
    if !pruned.as_ref().is_err_and(Failure::is_lost) {
        sqlx::raw_sql(end).execute(connection).await?;
    }
    pruned
}

async fn prune(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    let retention = engine.signals.retention();
    let names = Names::nearby(&table.definition);
    let (log, logs, checkpoints) = (names.log(), names.logs(), names.checkpoints());
    let is_mine: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1, hashtext($2))")
        .bind(PRUNE_LOCK)
        .bind(&log)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
    if !is_mine {
        return Ok(());
    }
    // Nothing is noted of a log that is gone.
    let noted = format!(
        "INSERT INTO {checkpoints} (name, at, snapshot, last) \
         SELECT name, clock_timestamp(), pg_current_snapshot()::text, \
         coalesce(pg_sequence_last_value(pg_get_serial_sequence($2, 'id')::regclass), 0) \
         FROM {logs} WHERE name = $1 RETURNING last"
    );
    let last: Option<i64> = sqlx::query_scalar(AssertSqlSafe(noted).into_sql_str())
        .bind(&names.name)
        .bind(&log)
        .persistent(false)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(last) = last else { return Ok(()) };
    let newest = format!(
        "SELECT snapshot, at::text FROM {checkpoints} WHERE name = $1 \
         AND (at <= clock_timestamp() - make_interval(secs => $2) OR last <= $3) \
         ORDER BY at DESC LIMIT 1"
    );
    let most = i64::try_from(retention.changes).unwrap_or(i64::MAX);
    let floor: Option<(String, String)> = sqlx::query_as(AssertSqlSafe(newest).into_sql_str())
        .bind(&names.name)
        .bind(retention.age.as_secs_f64())
        .bind(last.saturating_sub(most))
        .persistent(false)
        .fetch_optional(&mut *connection)
        .await?;
    let Some((snapshot, at)) = floor else { return Ok(()) };
    let raised = format!("UPDATE {logs} SET floor = $1 WHERE name = $2");
    sqlx::query(AssertSqlSafe(raised).into_sql_str())
        .bind(&snapshot)
        .bind(&names.name)
        .persistent(false)
        .execute(&mut *connection)
        .await?;
    let pruned = format!(
        "DELETE FROM {log} WHERE xid < pg_snapshot_xmax($1::text::pg_snapshot) \
         AND pg_visible_in_snapshot(xid, $1::text::pg_snapshot)"
    );
    sqlx::query(AssertSqlSafe(pruned).into_sql_str())
        .bind(&snapshot)
        .persistent(false)
        .execute(&mut *connection)
        .await?;
    let used = format!("DELETE FROM {checkpoints} WHERE name = $1 AND at <= $2::text::timestamptz");
    sqlx::query(AssertSqlSafe(used).into_sql_str())
        .bind(&names.name)
        .bind(&at)
        .persistent(false)
        .execute(connection)
        .await?;
    Ok(())
}
