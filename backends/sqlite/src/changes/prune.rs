//! Keeps a log from growing for ever.

use std::sync::{Arc, Mutex};

use storehouse_runtime::{PruneClock, Result};

use super::ddl;
use crate::{
    engine::Engine,
    error,
    job::{Answer, Session},
    lock::lock,
    table::Table,
};

/// So many changes are deleted at a time, while others wait to write.
const AT_ONCE: i64 = 5_000;

/// When a log was pruned last.
#[derive(Default)]
pub(crate) struct Pruning {
    clock: PruneClock,
    /// Work is done only while somebody waits for it.
    under_way: Mutex<Option<Answer<()>>>,
}

/// Asks the writer to prune the log of a table, where it is time to. Nobody waits for that.
///
/// Every process that writes or follows the table does so; what one has deleted the others do not
/// find any more.
pub(crate) fn prune_if_due(engine: &Engine, table: &Arc<Table>) {
    let retention = engine.changes.retention();
    if !table.pruning.clock.is_due(retention.interval()) {
        return;
    }
    let pruned = Arc::clone(table);
    let prune = move |session: &Session<'_>| -> Result<()> {
        let age = i64::try_from(retention.age.as_micros()).unwrap_or(i64::MAX);
        let most = i64::try_from(retention.changes).unwrap_or(i64::MAX);
        let cutoff = now().saturating_sub(age);
        let more = ddl::prune(session.connection, &pruned, cutoff, most, AT_ONCE)
            .map_err(error::of_database)?;
        if more {
            pruned.pruning.clock.again();
        }
        Ok(())
    };
    if let Ok(answer) = engine.write_later(prune) {
        *lock(&table.pruning.under_way) = Some(answer);
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
