//! Single rows that are written at the same time.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    mem::{Discriminant, discriminant},
    slice,
    sync::Arc,
};

use storehouse_runtime::{EncodedKey, EncodedRow, Error, Expected, Result, WriteMode};
use tokio::sync::oneshot;

use super::{Outcome, Reply, Waiter, gone, is_locked, refuse_all, unless_all_leave};
use crate::{
    engine::Engine,
    lanes::{Hold, Lanes, Request},
    pool::{Failure, Kept, Pool, rows_again, run, write_again},
    put::Stale,
    table::Table,
    write::{self, Stored},
};

/// One row, and who writes it.
pub(crate) struct WriteRequest {
    write: Write,
    /// The row's key, unless its id is left to the database.
    key: Option<EncodedKey>,
    mark: Option<u64>,
    reply: Reply<Write, EncodedRow>,
}

struct Write {
    row: EncodedRow,
    mode: WriteMode,
    /// Rows that are meant to find different things take different statements.
    expected: Discriminant<Expected>,
    /// Keeps later writes to the same key waiting, until the server is done with this one.
    hold: Option<Arc<Hold<WriteRequest>>>,
}

impl Write {
    fn kept(&self) -> Option<Kept> {
        self.hold.clone().map(|hold| hold as Kept)
    }
}

/// Puts or inserts one row, and answers with it as it is stored.
pub(crate) async fn write(
    engine: &Arc<Engine>,
    table: &Arc<Table>,
    row: EncodedRow,
    mode: WriteMode,
) -> Result<EncodedRow> {
    engine.counters.writes.add(1);
    let expected = discriminant(&table.definition.managed.expected(&row));
    let mut write = Write { row, mode, expected, hold: None };
    if engine.options.coalescing {
        let key = (!write::lacks_id(table, &write.row)).then(|| write::key_of(table, &write.row));
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let mark = key.as_ref().map(|key| hasher.hash_one(key));
        if let Some((lane, hold)) = Lanes::<WriteRequest>::enter(engine, table, mark) {
            write.hold = hold.map(Arc::new);
            // Boxed, so that those who wait for others do not carry it.
            let result = Box::pin(write_alone(engine, table, &engine.batches, &write)).await;
            if !is_locked(&result) {
                drop(write);
                return table.answer(result);
            }
            drop(lane);
        } else {
            let (reply, outcome) = oneshot::channel();
            let request = WriteRequest { write, key, mark, reply };
            match Lanes::wait(engine, table, request, outcome).await.ok_or_else(gone)? {
                Outcome::Answered(answer) => return answer,
                Outcome::Locked(again) => write = again,
            }
        }
    }
    table.answer(Box::pin(write_alone(engine, table, &engine.singles, &write)).await)
}

async fn write_alone(
    engine: &Engine,
    table: &Table,
    pool: &Arc<Pool>,
    write: &Write,
) -> Result<EncodedRow, Failure> {
    let mut row = write.row.clone();
    let rows = slice::from_mut(&mut row);
    let stored = write_together(engine, table, pool, rows, write.mode, write.kept()).await?;
    match stored.first() {
        Some((true, _)) => Ok(row),
        _ => Err(not_stored(table).into()),
    }
}

/// Why there is no row where one was written.
fn not_stored(table: &Table) -> Error {
    if table.definition.managed.version.is_some() { table.definition.stale() } else { gone() }
}

async fn write_together(
    engine: &Engine,
    table: &Table,
    pool: &Arc<Pool>,
    rows: &mut [EncodedRow],
    mode: WriteMode,
    kept: Option<Kept>,
) -> Result<Stored, Failure> {
    engine.counters.write_statements.add(1);
    // Several that clash go alone first.
    let again = if rows.len() == 1 { rows_again(mode) } else { write_again };
    // What is written here is put or inserted, so all of it is stored, but for what is stale.
    run!(pool, again, kept.clone(), |connection| write::write(
        engine,
        table,
        connection,
        rows,
        mode,
        engine.options.transaction_pooling,
        Stale::IsTold
    ))
    .inspect(|_| {
        // Here, since whoever asked for it may not wait any more.
        if table.definition.changes {
            engine.signals.committed();
        }
    })
}

impl Waiter for WriteRequest {
    fn leaves(&mut self) -> impl Future<Output = ()> + Send {
        self.reply.closed()
    }
}

impl Request for WriteRequest {
    fn lanes(table: &Table) -> &Lanes<Self> {
        &table.writes
    }

    /// Two writes to one key are two statements, so that both are seen, the later one last.
    fn mark(&self) -> Option<u64> {
        self.mark
    }

    fn hold(&mut self, hold: Hold<Self>) {
        self.write.hold = Some(Arc::new(hold));
    }

    /// Rows of one kind.
    fn joins(&self, batch: &[Self]) -> bool {
        batch.first().is_none_or(|other| {
            other.write.mode == self.write.mode
                && other.write.expected == self.write.expected
                && other.key.is_some() == self.key.is_some()
        })
    }

    async fn run_all(engine: &Arc<Engine>, table: &Arc<Table>, mut batch: Vec<Self>) {
        // Whoever went away before the statement began gets nothing done.
        batch.retain(|request| !request.reply.is_closed());
        // In one order everywhere, so that two statements do not wait for each other's rows.
        batch.sort_by(|one, other| one.key.cmp(&other.key));
        if let [first, _, ..] = batch.as_slice() {
            let mode = first.write.mode;
            let mut rows: Vec<_> = batch.iter().map(|request| request.write.row.clone()).collect();
            let kept: Vec<_> = batch.iter().map(|request| request.write.kept()).collect();
            let kept: Option<Kept> = Some(Arc::new(kept));
            let together = write_together(engine, table, &engine.batches, &mut rows, mode, kept);
            match unless_all_leave(&mut batch, together).await {
                None => return,
                Some(Ok(stored)) => {
                    for (request, stored) in batch.into_iter().zip(write::answers(rows, stored)) {
                        let answer = stored.ok_or_else(|| not_stored(table));
                        let _ = request.reply.send(Outcome::Answered(answer));
                    }
                    return;
                }
                // Where it was lost nobody knows whether it was done, so it must not be done again.
                Some(Err(failure)) if failure.concerns_all() => {
                    return refuse_all(
                        table,
                        failure,
                        batch.into_iter().map(|request| request.reply),
                    );
                }
                // Nothing of it was done. Each goes alone, and only what is wrong fails.
                Some(Err(_)) => {}
            }
        }
        for WriteRequest { write, mut reply, .. } in batch {
            let alone = write_alone(engine, table, &engine.batches, &write);
            let Some(result) = unless_all_leave(slice::from_mut(&mut reply), alone).await else {
                continue;
            };
            let _ = reply.send(if is_locked(&result) {
                Outcome::Locked(write)
            } else {
                Outcome::Answered(table.answer(result))
            });
        }
    }
}
