//! SQL of the program's own.
//!
//! Whether it reads or writes is for SQLite to say, once it has prepared it: what only reads is
//! run where queries are, anything else by the writer.

use std::sync::Arc;

use rusqlite::{Batch, CachedStatement, Connection, fallible_iterator::FallibleIterator as _};
use storehouse_runtime::{Error, RawStatement, Result, RowSink};

use crate::{
    bind,
    decode::RowSource,
    engine::Engine,
    error,
    job::{Session, Weight},
    read::ROWS_AT_ONCE,
};

/// Runs a statement outside a transaction and hands over its rows.
pub(crate) async fn fetch_anywhere(
    engine: &Engine,
    statement: RawStatement,
    rows: RowSink,
) -> Result<RowSink> {
    let statement = Arc::new(statement);
    let to_read = Arc::clone(&statement);
    match engine.read(move |session| fetch_if_reading(session, &to_read, rows)).await? {
        Read::Done(rows) => Ok(rows),
        // Its rows may turn out not to be readable, and then all is undone.
        Read::Writes(rows) => {
            let write = move |session: &Session<'_>| fetch(session, &statement, rows);
            engine.write(Weight::Several, write).await
        }
    }
}

/// What became of a statement that was tried where only reading is possible.
enum Read {
    Done(RowSink),
    Writes(RowSink),
}

fn fetch_if_reading(
    session: &Session<'_>,
    statement: &RawStatement,
    rows: RowSink,
) -> Result<Read> {
    let prepared = prepare(session.connection, statement)?;
    if !prepared.readonly() {
        return Ok(Read::Writes(rows));
    }
    step(session, prepared, rows).map(Read::Done)
}

/// Runs a statement and hands over its rows.
pub(crate) fn fetch(
    session: &Session<'_>,
    statement: &RawStatement,
    rows: RowSink,
) -> Result<RowSink> {
    step(session, prepare(session.connection, statement)?, rows)
}

/// Runs a statement and counts the rows that it changed.
pub(crate) fn execute(session: &Session<'_>, statement: &RawStatement) -> Result<u64> {
    let connection = session.connection;
    let mut prepared = prepare(connection, statement)?;
    let before = connection.total_changes();
    let mut rows = prepared.raw_query();
    while rows.next().map_err(error::of_raw)?.is_some() {}
    drop(rows);
    // A statement that changes no rows leaves the number of the one before it.
    Ok(if connection.total_changes() == before { 0 } else { connection.changes() })
}

fn step(
    session: &Session<'_>,
    mut statement: CachedStatement<'_>,
    mut sink: RowSink,
) -> Result<RowSink> {
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    sink.begin(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut rows = statement.raw_query();
    let mut position = 0;
    while let Some(row) = rows.next().map_err(error::of_raw)? {
        let received = sink.receive(position, &mut RowSource(row)).map_err(|error| {
            Error::decode(
                names.get(error.column()).map_or("?", String::as_str),
                error.into_message(),
            )
        })?;
        if received.is_break() {
            break;
        }
        position += 1;
        if position % ROWS_AT_ONCE == 0 && !session.is_wanted() {
            return Err(Error::closed("nobody waits for this read any more"));
        }
    }
    drop(rows);
    Ok(sink)
}

fn prepare<'c>(
    connection: &'c Connection,
    statement: &RawStatement,
) -> Result<CachedStatement<'c>> {
    if matches!(&*statement.keyword(), "ATTACH" | "DETACH") {
        return Err(Error::validation(
            "a database that is attached is known to one connection, and a store has several; \
             open it as a store of its own",
        ));
    }
    check_alone(connection, &statement.sql)?;
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(error::of_raw)?;
    let (wanted, given) = (prepared.parameter_count(), statement.parameters.len());
    if wanted != given {
        return Err(Error::validation(format!(
            "the statement has {wanted} placeholders, and {given} values were bound; bind one \
             for each"
        )));
    }
    let values = statement.parameters.iter().map(|parameter| &parameter.value);
    bind::values(&mut prepared, 1, values).map_err(error::of_raw)?;
    Ok(prepared)
}

/// Refuses what follows a first statement, which SQLite would not run.
fn check_alone(connection: &Connection, sql: &str) -> Result<()> {
    if !sql.trim_end().trim_end_matches(';').contains(';') {
        return Ok(());
    }
    let mut statements = Batch::new(connection, sql);
    statements.next().map_err(error::of_raw)?;
    match statements.next() {
        Ok(None) => Ok(()),
        // It may not even be possible to prepare the second before the first has run.
        _ => Err(Error::validation(
            "there is more than one statement; run them one by one, in a transaction if they \
             belong together",
        )),
    }
}
