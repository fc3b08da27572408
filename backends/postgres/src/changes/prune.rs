//! Keeps a log from growing for ever.
//!
//! What may go is told by checkpoints: snapshots that are noted from time to time. What was
//! visible in one has been there to be read since then, whenever it was written; so a transaction
//! that was open for longer than changes are kept loses nothing.
//!
//! The floor of a log is the earliest moment that sees everything which was deleted. While nothing
//! is, it stays, so that who has read all of a quiet table does not lag behind by waiting.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr as _};

use super::{
    ddl::Names,
    snapshot::{Moment, Snapshot},
};
use crate::{
    engine::Engine,
    error,
    pool::{Failure, never_again, run},
    table::Table,
};

/// "storehoc" in ASCII, so that one prunes at a time.
const PRUNE_LOCK: i32 = 0x7374_6f72;

/// Of what was deleted: the newest transaction, the newest start of the server, the highest number;
/// and the floor before.
type Pruned = (Option<String>, Option<i64>, Option<i64>, Option<String>);

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
    let pruned = format!(
        "WITH pruned AS (DELETE FROM {log} WHERE xid < pg_snapshot_xmax($1::text::pg_snapshot) \
         AND pg_visible_in_snapshot(xid, $1::text::pg_snapshot) RETURNING xid, start, id) \
         SELECT max(xid::text::numeric)::text, \
         (extract(epoch FROM max(start)) * 1000000)::bigint, max(id), \
         (SELECT floor FROM {logs} WHERE name = $2) FROM pruned"
    );
    let (newest, start, last, floor): Pruned = sqlx::query_as(AssertSqlSafe(pruned).into_sql_str())
        .bind(&snapshot)
        .bind(&names.name)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
    if let (Some(newest), Some(start)) = (newest, start) {
        let floor = raised(floor.as_deref(), &snapshot, &newest, start)?;
        let raise =
            format!("UPDATE {logs} SET floor = $1, pruned = greatest(pruned, $3) WHERE name = $2");
        sqlx::query(AssertSqlSafe(raise).into_sql_str())
            .bind(floor.to_string())
            .bind(&names.name)
            .bind(last)
            .persistent(false)
            .execute(&mut *connection)
            .await?;
    }
    let used = format!("DELETE FROM {checkpoints} WHERE name = $1 AND at <= $2::text::timestamptz");
    sqlx::query(AssertSqlSafe(used).into_sql_str())
        .bind(&names.name)
        .bind(&at)
        .persistent(false)
        .execute(connection)
        .await?;
    Ok(())
}

/// The floor after all was deleted that a snapshot sees; of that, what the transaction `newest` wrote,
/// on a server with that start, was the newest.
fn raised(
    floor: Option<&str>,
    snapshot: &str,
    newest: &str,
    start: i64,
) -> Result<Moment, Failure> {
    let malformed = || Failure::from(sqlx::Error::Decode("a log's floor cannot be read".into()));
    let floor: Option<Moment> = floor.map(str::parse).transpose().map_err(|_| malformed())?;
    let snapshot: Snapshot = snapshot.parse().map_err(|_| malformed())?;
    let newest: u64 = newest.parse().map_err(|_| malformed())?;
    // What was deleted before is seen by a later snapshot too.
    let (xmax, before) = floor.map_or((0, i64::MIN), |floor| (floor.snapshot.xmax(), floor.start));
    let xmax = xmax.max(newest.saturating_add(1));
    Ok(Moment { start: start.max(before), snapshot: snapshot.before(xmax) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_raised_to_what_was_deleted() {
        let raised = |floor, snapshot, newest| {
            raised(floor, snapshot, newest, 7).map(|floor| floor.to_string()).unwrap()
        };
        assert_eq!(raised(None, "10:90:10,50", "20"), "7@10:21:10");
        assert_eq!(raised(Some("5@5:40:5"), "10:90:10,50", "20"), "7@10:40:10");
        assert_eq!(raised(Some("9@5:8:5"), "90:90:", "20"), "9@21:21:");
    }
}
