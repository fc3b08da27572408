//! Reads by key, and single rows that are written: what shares a round trip.

use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use sqlx::postgres::PgRow;
use storehouse_runtime::{EncodedKey, EncodedRow, Error, Result, RowSink, WriteMode};
use tokio::sync::oneshot;

use crate::{
    engine::Engine,
    error,
    lanes::{Lanes, Request},
    pool::{Failure, Pool, read_again, run, write_again},
    read,
    table::Table,
    transaction::{Access, Session, run_in},
    write,
};

/// Rows, each with the places of its key.
type Found = Vec<(Vec<usize>, PgRow)>;

type Reply<T> = oneshot::Sender<Result<T>>;

/// Some keys, and who wants their rows.
pub(crate) struct ReadRequest {
    keys: Vec<EncodedKey>,
    sink: RowSink,
    reply: Reply<RowSink>,
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
    if !engine.options.coalescing {
        return read_alone(engine, table, &keys, sink).await;
    }
    if let Some(lane) = Lanes::<ReadRequest>::enter(engine, table) {
        let answer = read_alone(engine, table, &keys, sink).await;
        drop(lane);
        return answer;
    }
    let (reply, answer) = oneshot::channel();
    let request = ReadRequest { keys, sink, reply };
    Lanes::wait(engine, table, request, answer).await.unwrap_or_else(|| Err(gone()))
}

async fn read_alone(
    engine: &Engine,
    table: &Table,
    keys: &[EncodedKey],
    mut sink: RowSink,
) -> Result<RowSink> {
    engine.counters.read_round_trips.add(1);
    let result = if let [key] = keys {
        run!(engine.batches, read_again, |connection| read::get(
            engine, table, connection, key, &mut sink
        ))
    } else {
        let places = places(keys);
        let rows = run!(engine.batches, read_again, |connection| read::get_many(
            engine, table, connection, &places
        ));
        return table.answer(rows.and_then(|rows| hand_over(table, &rows, sink)));
    };
    table.answer(result)?;
    Ok(sink)
}

/// The same inside a transaction, which nothing is shared with.
pub(crate) async fn read_in(
    session: &Session,
    table: &Table,
    keys: &[EncodedKey],
    sink: RowSink,
) -> Result<RowSink> {
    let places = places(keys);
    let engine = &session.engine;
    let rows = run_in!(session, table, Access::Read, |connection| read::get_many(
        engine, table, connection, &places
    ))?;
    let sink = hand_over(table, &rows, sink);
    sink.map_err(|failure| error::of_table(failure, &table.definition))
}

/// Gives rows to their receiver, in the order of their keys.
fn hand_over(table: &Table, rows: &Found, mut sink: RowSink) -> Result<RowSink, Failure> {
    let mut rows: Vec<_> = (rows.iter())
        .flat_map(|(places, row)| places.iter().map(move |&place| (place, row)))
        .collect();
    rows.sort_unstable_by_key(|(place, _)| *place);
    for (place, row) in rows {
        if read::receive(table, row, place, &mut sink)?.is_break() {
            break;
        }
    }
    Ok(sink)
}

/// Where each key stands.
fn places<'k>(keys: impl IntoIterator<Item = &'k EncodedKey>) -> HashMap<EncodedKey, Vec<usize>> {
    let mut places: HashMap<_, Vec<usize>> = HashMap::new();
    for (place, key) in keys.into_iter().enumerate() {
        places.entry(key.clone()).or_default().push(place);
    }
    places
}

impl Request for ReadRequest {
    fn lanes(table: &Table) -> &Lanes<Self> {
        &table.reads
    }

    fn joins(&self, batch: &[Self]) -> bool {
        batch.is_empty()
            || batch.iter().map(|other| other.keys.len()).sum::<usize>() + self.keys.len()
                <= KEYS_AT_ONCE
    }

    async fn run_all(engine: &Arc<Engine>, table: &Arc<Table>, mut batch: Vec<Self>) {
        batch.retain(|request| !request.reply.is_closed());
        if batch.len() > 1 {
            let keys = batch.iter().flat_map(|request| &request.keys);
            let places = places(keys);
            engine.counters.read_round_trips.add(1);
            if let Ok(rows) = read_together(engine, table, &places).await {
                return answer_all(table, batch, &rows);
            }
        }
        // Alone, or together without success: each finds out for itself what is wrong.
        for request in batch {
            let answer = read_alone(engine, table, &request.keys, request.sink).await;
            let _ = request.reply.send(answer);
        }
    }
}

async fn read_together(
    engine: &Engine,
    table: &Table,
    places: &HashMap<EncodedKey, Vec<usize>>,
) -> Result<Found, Failure> {
    run!(engine.batches, read_again, |connection| read::get_many(engine, table, connection, places))
}

/// Gives each its rows. `rows` are found by their places among the keys of all.
fn answer_all(table: &Table, batch: Vec<ReadRequest>, rows: &Found) {
    let mut row_of = HashMap::new();
    for (places, row) in rows {
        row_of.extend(places.iter().map(|&place| (place, row)));
    }
    let mut first = 0;
    for ReadRequest { keys, mut sink, reply } in batch {
        let mut answer = Ok(());
        for place in 0..keys.len() {
            let Some(row) = row_of.get(&(first + place)) else { continue };
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
        let _ = reply.send(answer.map(|()| sink));
    }
}

/// One row, and who writes it.
pub(crate) struct WriteRequest {
    row: EncodedRow,
    mode: WriteMode,
    /// The row's key, unless its id is left to the database.
    key: Option<EncodedKey>,
    reply: Reply<EncodedRow>,
}

/// Puts or inserts one row, and answers with it as it is stored.
pub(crate) async fn write(
    engine: &Arc<Engine>,
    table: &Arc<Table>,
    row: EncodedRow,
    mode: WriteMode,
) -> Result<EncodedRow> {
    engine.counters.writes.add(1);
    if !engine.options.coalescing {
        return write_alone(engine, table, &engine.singles, row, mode).await;
    }
    let answer = if let Some(lane) = Lanes::<WriteRequest>::enter(engine, table) {
        let answer = write_alone(engine, table, &engine.batches, row.clone(), mode).await;
        drop(lane);
        answer
    } else {
        let key = (!write::lacks_id(table, &row)).then(|| write::key_of(table, &row));
        let (reply, answer) = oneshot::channel();
        let request = WriteRequest { row: row.clone(), mode, key, reply };
        Lanes::wait(engine, table, request, answer).await.unwrap_or_else(|| Err(gone()))
    };
    match answer {
        // Together, nobody waits long for a locked row. Alone, for as long as was asked for.
        Err(Error::Busy { .. }) => write_alone(engine, table, &engine.singles, row, mode).await,
        answer => answer,
    }
}

async fn write_alone(
    engine: &Engine,
    table: &Table,
    pool: &Arc<Pool>,
    row: EncodedRow,
    mode: WriteMode,
) -> Result<EncodedRow> {
    let stored = table.answer(write_together(engine, table, pool, vec![row], mode).await)?;
    stored.into_iter().flatten().next().ok_or_else(gone)
}

async fn write_together(
    engine: &Engine,
    table: &Table,
    pool: &Arc<Pool>,
    rows: Vec<EncodedRow>,
    mode: WriteMode,
) -> Result<Vec<Option<EncodedRow>>, Failure> {
    engine.counters.write_statements.add(1);
    run!(pool, write_again, |connection| write::write(
        engine,
        table,
        connection,
        rows.clone(),
        mode,
        engine.options.transaction_pooling
    ))
}

impl Request for WriteRequest {
    fn lanes(table: &Table) -> &Lanes<Self> {
        &table.writes
    }

    /// Rows of one kind, and none that has the key of another: it waits for the next statement.
    fn joins(&self, batch: &[Self]) -> bool {
        batch.iter().all(|other| {
            other.mode == self.mode
                && other.key.is_some() == self.key.is_some()
                && (self.key.is_none() || other.key != self.key)
        })
    }

    async fn run_all(engine: &Arc<Engine>, table: &Arc<Table>, mut batch: Vec<Self>) {
        // Whoever went away before the statement began gets nothing done.
        batch.retain(|request| !request.reply.is_closed());
        // In one order everywhere, so that two statements do not wait for each other's rows.
        batch.sort_by(|one, other| one.key.cmp(&other.key));
        if let [first, _, ..] = batch.as_slice() {
            let mode = first.mode;
            let rows = batch.iter().map(|request| request.row.clone()).collect();
            match write_together(engine, table, &engine.batches, rows, mode).await {
                Ok(stored) => {
                    for (request, stored) in batch.into_iter().zip(stored) {
                        let _ = request.reply.send(stored.ok_or_else(gone));
                    }
                    return;
                }
                // Nobody knows whether it was done, so it must not be done again.
                Err(failure) if failure.is_lost() => {
                    for request in batch {
                        let _ = request.reply.send(Err(error::lost_with_others()));
                    }
                    return;
                }
                // Nothing of it was done. Each goes alone, and only what is wrong fails.
                Err(_) => {}
            }
        }
        for request in batch {
            let pool = &engine.batches;
            let answer = write_alone(engine, table, pool, request.row, request.mode).await;
            let _ = request.reply.send(answer);
        }
    }
}

/// The answer never came.
fn gone() -> Error {
    Error::closed("the runtime that the database was used on has ended; open the store again")
}
