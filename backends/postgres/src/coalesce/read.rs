//! Reads by key that are asked for at the same time.

use std::{ops::ControlFlow, slice, sync::Arc};

use sqlx::postgres::PgRow;
use storehouse_runtime::{EncodedKey, Result, RowSink};
use tokio::sync::oneshot;

use super::{Outcome, Reply, Waiter, gone, is_locked, refuse_all, unless_all_leave};
use crate::{
    engine::Engine,
    error,
    lanes::{Lanes, Request},
    pool::{Failure, Pool, read_again, run},
    read::{self, Places},
    table::Table,
    transaction::{Access, Session, run_in},
};

/// Rows, each with the places of its key.
type Found<'p> = Vec<(&'p [usize], PgRow)>;

/// Some keys, and who wants their rows.
pub(crate) struct ReadRequest {
    read: Read,
    reply: Reply<Read, RowSink>,
}

struct Read {
    keys: Vec<EncodedKey>,
    sink: RowSink,
}

/// So many keys are asked for at once at most, so that nobody waits for a giant.
const KEYS_AT_ONCE: usize = 1_024;

/// Hands the rows with those keys to `sink`, each with its key's place.
pub(crate) async fn read(
    engine: &Arc<Engine>,
    table: &Arc<Table>,
    keys: Vec<EncodedKey>,
    sink: RowSink,
) -> Result<RowSink> {
    engine.counters.reads.add(1);
    let mut read = Read { keys, sink };
    if engine.options.coalescing {
        if let Some((lane, _)) = Lanes::<ReadRequest>::enter(engine, table, None) {
            // Boxed, so that those who wait for others do not carry it.
            let result = Box::pin(read_alone(engine, table, &engine.batches, &mut read)).await;
            drop(lane);
            if !is_locked(&result) {
                return table.answer(result).map(|()| read.sink);
            }
        } else {
            let (reply, outcome) = oneshot::channel();
            let request = ReadRequest { read, reply };
            match Lanes::wait(engine, table, request, outcome).await.ok_or_else(gone)? {
                Outcome::Answered(answer) => return answer,
                Outcome::Locked(again) => read = again,
            }
        }
    }
    let result = Box::pin(read_alone(engine, table, &engine.singles, &mut read)).await;
    table.answer(result).map(|()| read.sink)
}

async fn read_alone(
    engine: &Engine,
    table: &Table,
    pool: &Arc<Pool>,
    read: &mut Read,
) -> Result<(), Failure> {
    engine.counters.read_round_trips.add(1);
    let Read { keys, sink } = read;
    if let [key] = keys.as_slice() {
        return run!(pool, read_again, |connection| read::get(
            engine, table, connection, key, sink
        ));
    }
    let places = places(&*keys, keys.len());
    let rows =
        run!(pool, read_again, |connection| read::get_many(engine, table, connection, &places))?;
    hand_over(table, &rows, sink)
}

/// The same inside a transaction, which nothing is shared with.
pub(crate) async fn read_in(
    session: &Session,
    table: &Table,
    keys: &[EncodedKey],
    mut sink: RowSink,
) -> Result<RowSink> {
    let places = places(keys, keys.len());
    let engine = &session.engine;
    let rows = run_in!(session, table, Access::Read, |connection| read::get_many(
        engine, table, connection, &places
    ))?;
    hand_over(table, &rows, &mut sink)
        .map_err(|failure| error::of_table(failure, &table.definition))?;
    Ok(sink)
}

/// Gives rows to their receiver, in the order of their keys.
fn hand_over(table: &Table, rows: &Found<'_>, sink: &mut RowSink) -> Result<(), Failure> {
    let mut rows: Vec<_> = (rows.iter())
        .flat_map(|(places, row)| places.iter().map(move |&place| (place, row)))
        .collect();
    rows.sort_unstable_by_key(|(place, _)| *place);
    for (place, row) in rows {
        if read::receive(table, row, place, sink)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Where each key stands.
fn places<'k>(keys: impl IntoIterator<Item = &'k EncodedKey>, count: usize) -> Places {
    let mut places = Places::with_capacity(count);
    for (place, key) in keys.into_iter().enumerate() {
        places.entry(key.clone()).or_default().push(place);
    }
    places
}

/// How many keys are asked for in all.
fn count_keys(batch: &[ReadRequest]) -> usize {
    batch.iter().map(|request| request.read.keys.len()).sum()
}

impl Waiter for ReadRequest {
    fn leaves(&mut self) -> impl Future<Output = ()> + Send {
        self.reply.closed()
    }
}

impl Request for ReadRequest {
    /// While one batch is with the server, the answers of another are handed out, and while both are
    /// on a long way, who comes waits half as long.
    const AT_ONCE: usize = 2;

    fn lanes(table: &Table) -> &Lanes<Self> {
        &table.reads
    }

    fn joins(&self, batch: &[Self]) -> bool {
        batch.is_empty() || count_keys(batch) + self.read.keys.len() <= KEYS_AT_ONCE
    }

    async fn run_all(engine: &Arc<Engine>, table: &Arc<Table>, mut batch: Vec<Self>) {
        batch.retain(|request| !request.reply.is_closed());
        if batch.len() > 1 {
            let keys = batch.iter().flat_map(|request| &request.read.keys);
            let places = places(keys, count_keys(&batch));
            engine.counters.read_round_trips.add(1);
            let together = read_together(engine, table, &places);
            match unless_all_leave(&mut batch, together).await {
                None => return,
                Some(Ok(rows)) => return answer_all(table, batch, &rows),
                Some(Err(failure)) if failure.concerns_all() => {
                    return refuse_all(
                        table,
                        failure,
                        batch.into_iter().map(|request| request.reply),
                    );
                }
                // A lock that keeps readers out is on the whole table.
                Some(Err(failure)) if failure.is_locked() => {
                    for ReadRequest { read, reply } in batch {
                        let _ = reply.send(Outcome::Locked(read));
                    }
                    return;
                }
                Some(Err(_)) => {}
            }
        }
        // Alone, or together without success: each finds out for itself what is wrong.
        for ReadRequest { mut read, mut reply } in batch {
            let alone = read_alone(engine, table, &engine.batches, &mut read);
            let Some(result) = unless_all_leave(slice::from_mut(&mut reply), alone).await else {
                continue;
            };
            let _ = reply.send(if is_locked(&result) {
                Outcome::Locked(read)
            } else {
                Outcome::Answered(table.answer(result).map(|()| read.sink))
            });
        }
    }
}

async fn read_together<'p>(
    engine: &Engine,
    table: &Table,
    places: &'p Places,
) -> Result<Found<'p>, Failure> {
    run!(engine.batches, read_again, |connection| read::get_many(engine, table, connection, places))
}

/// Gives each its rows. `rows` are found by their places among the keys of all.
fn answer_all(table: &Table, batch: Vec<ReadRequest>, rows: &Found<'_>) {
    let mut row_of = vec![None; count_keys(&batch)];
    for (places, row) in rows {
        for &place in *places {
            row_of[place] = Some(row);
        }
    }
    let mut first = 0;
    for ReadRequest { read: Read { keys, mut sink }, reply } in batch {
        let mut answer = Ok(());
        for place in 0..keys.len() {
            let Some(row) = row_of[first + place] else { continue };
            match read::receive(table, row, place, &mut sink) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(failure) => {
                    answer = Err(error::of_table(failure, &table.definition));
                    break;
                }
            }
        }
        first += keys.len();
        let _ = reply.send(Outcome::Answered(answer.map(|()| sink)));
    }
}
