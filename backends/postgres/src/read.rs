//! Reads, on whichever connection is there for them.

use std::{
    collections::{HashMap, hash_map},
    ops::ControlFlow,
    sync::Arc,
};

use futures::TryStreamExt as _;
use smallvec::SmallVec;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _, postgres::PgRow};
use storehouse_runtime::{
    EncodedKey, FilterTree, Result, RowSink, Selection,
    sql::{Command, Rendered},
};

use crate::{
    bind::Arguments,
    decode::{self, RowSource},
    engine::Engine,
    error,
    pool::Failure,
    table::Table,
    types::Pgvector,
};

/// Hands the row with that key to `sink`.
pub(crate) async fn get(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    key: &EncodedKey,
    sink: &mut RowSink,
) -> Result<(), Failure> {
    let mut arguments = Arguments::new(&table.definition, Pgvector::default());
    for (&column, value) in table.definition.key.iter().zip(key.values()) {
        arguments.value(column, value)?;
    }
    let sql = AssertSqlSafe(table.crud.get.clone());
    let row = engine.query(sql, arguments.into_inner()).fetch_optional(connection).await?;
    if let Some(row) = row {
        let _ = receive(table, &row, 0, sink)?;
    }
    Ok(())
}

/// Keys, each with the places where it stands; nearly always one.
pub(crate) type Places = HashMap<EncodedKey, SmallVec<[usize; 2]>>;

/// The rows that have one of the keys, each with the places of its key.
pub(crate) async fn get_many<'p>(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    keys: &'p Places,
) -> Result<Vec<(&'p [usize], PgRow)>, Failure> {
    let definition = &*table.definition;
    let mut arguments = Arguments::new(definition, Pgvector::default());
    for (place, &column) in definition.key.iter().enumerate() {
        arguments.values(column, KeyColumn { keys: keys.keys(), place })?;
    }
    let sql = AssertSqlSafe(Arc::clone(&table.get_many));
    let rows = engine.query(sql, arguments.into_inner()).fetch_all(connection).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let key: EncodedKey = (definition.key.iter())
            .map(|&column| decode::value(definition.columns[column].column_type, &row, column))
            .collect::<Result<_, _>>()
            .map_err(|error| table.decode_error(error))?;
        if let Some(places) = keys.get(&key) {
            found.push((places.as_slice(), row));
        }
    }
    Ok(found)
}

/// One column of many keys.
#[derive(Clone)]
struct KeyColumn<'k> {
    keys: hash_map::Keys<'k, EncodedKey, SmallVec<[usize; 2]>>,
    place: usize,
}

impl<'k> Iterator for KeyColumn<'k> {
    type Item = &'k storehouse_runtime::Value;

    fn next(&mut self) -> Option<Self::Item> {
        self.keys.next().and_then(|key| key.values().get(self.place))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.keys.size_hint()
    }
}

impl ExactSizeIterator for KeyColumn<'_> {}

/// Hands the rows of a command to `sink`, in order and as they arrive. `position` counts them.
pub(crate) async fn select(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    command: Command<'_>,
    sink: &mut RowSink,
    position: &mut usize,
) -> Result<(), Failure> {
    if *position > 0 {
        // Rows were handed over before the connection was lost, and cannot be taken back.
        return Err(error::lost_midway().into());
    }
    let rendered = table.statements.render(&table.definition, command);
    let pgvector = engine.pgvector(table, connection).await?;
    let mut arguments = Arguments::new(&table.definition, pgvector);
    arguments.parameters(&rendered.parameters)?;
    let sql = AssertSqlSafe(Arc::clone(&rendered.sql));
    // Not `fetch`, which is this and one more adapter that every row passes through.
    let mut rows = connection.fetch_many(engine.query(sql, arguments.into_inner()));
    while let Some(row) = rows.try_next().await? {
        // What is not a row says how many there were.
        let Some(row) = row.right() else { continue };
        if receive(table, &row, *position, sink)?.is_break() {
            break;
        }
        *position += 1;
    }
    Ok(())
}

/// Counts the rows that match.
pub(crate) async fn count(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    filter: &FilterTree,
) -> Result<u64, Failure> {
    let rendered = table.statements.render(&table.definition, Command::Count(filter));
    let row = fetch_one(engine, table, connection, &rendered).await?;
    // A count is never negative.
    Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
}

/// How PostgreSQL would run a query: its plan, one step a line.
pub(crate) async fn explain(
    table: &Table,
    connection: &mut PgConnection,
    selection: &Selection,
) -> Result<String, Failure> {
    let rendered = table.statements.render(&table.definition, Command::Select(selection));
    let mut arguments = Arguments::new(&table.definition, Pgvector::default());
    arguments.parameters(&rendered.parameters)?;
    let sql = AssertSqlSafe(format!("EXPLAIN {}", rendered.sql));
    let rows = sqlx::query_with(sql, arguments.into_inner())
        .persistent(false)
        .fetch_all(connection)
        .await?;
    let lines: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(lines.join("\n"))
}

async fn fetch_one(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    rendered: &Rendered<'_>,
) -> Result<PgRow, Failure> {
    let mut arguments = Arguments::new(&table.definition, Pgvector::default());
    arguments.parameters(&rendered.parameters)?;
    let sql = AssertSqlSafe(Arc::clone(&rendered.sql));
    Ok(engine.query(sql, arguments.into_inner()).fetch_one(connection).await?)
}

/// Gives one row to its receiver.
pub(crate) fn receive(
    table: &Table,
    row: &PgRow,
    position: usize,
    sink: &mut RowSink,
) -> Result<ControlFlow<()>, Failure> {
    let received = sink.receive(position, &mut RowSource(row));
    received.map_err(|error| Failure::from(table.decode_error(error)))
}
