//! Writes, as they run on the writer's connection.

use rusqlite::{Connection, ErrorCode, Statement};
use storehouse_runtime::{
    Assignment, EncodedKey, EncodedRow, Error, FilterTree, OnDelete, Result, Value, WriteMode,
    sql::Command,
};

use crate::{
    bind, decode,
    job::{Session, Weight},
    put, read,
    references::{self, Bulk},
    table::Table,
};

/// Whether writing `rows` is one statement or several that must be undone together.
pub(crate) fn weight(table: &Table, rows: &[EncodedRow]) -> Weight {
    match rows {
        [row] if table.ids.takes_one_statement(row) => Weight::OneStatement,
        _ => Weight::Several,
    }
}

/// Whether writing `rows` takes no longer than a few reads by key.
pub(crate) fn is_short(rows: &[EncodedRow]) -> bool {
    const FEW_ROWS: usize = 8;
    rows.len() <= FEW_ROWS && are_small(rows.iter().flat_map(|row| &row.0))
}

/// Whether values are copied in no time.
pub(crate) fn are_small<'a>(values: impl IntoIterator<Item = &'a Value>) -> bool {
    const FEW_BYTES: usize = 64 * 1_024;
    values.into_iter().map(bytes).sum::<usize>() <= FEW_BYTES
}

/// About how many bytes a value of variable length has.
fn bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::FloatList(list) => size_of_val(list.as_slice()),
        Value::F16List(list) => size_of_val(list.as_slice()),
        Value::I8List(list) => list.len(),
        Value::TextList(list) => list.iter().map(String::len).sum(),
        Value::Json(document) => bytes_of_json(document),
        _ => 0,
    }
}

fn bytes_of_json(document: &serde_json::Value) -> usize {
    /// What a value has at least, with what separates it from the next.
    const LEAST: usize = 4;
    match document {
        serde_json::Value::String(text) => LEAST + text.len(),
        serde_json::Value::Array(items) => LEAST + items.iter().map(bytes_of_json).sum::<usize>(),
        serde_json::Value::Object(members) => {
            let member = |(name, value): (&String, _)| name.len() + bytes_of_json(value);
            LEAST + members.iter().map(member).sum::<usize>()
        }
        _ => LEAST,
    }
}

/// Writes rows in order and answers with them, and with `None` where `InsertIfAbsent` left
/// something there.
pub(crate) fn write(
    session: &Session<'_>,
    table: &Table,
    mut rows: Vec<EncodedRow>,
    mode: WriteMode,
) -> Result<Vec<Option<EncodedRow>>> {
    let connection = session.connection;
    if mode == WriteMode::Put && table.definition.managed.changes_puts() {
        return put::managed(session, table, rows);
    }
    if let [row] = rows.as_mut_slice()
        && table.ids.takes_one_statement(row)
    {
        let is_written = write_one(session, table, row, mode)?;
        return Ok(rows.into_iter().map(|row| is_written.then_some(row)).collect());
    }
    table.ids.assign(connection, table, &mut rows)?;
    let mut stored: Vec<Option<EncodedRow>> = rows.into_iter().map(Some).collect();
    write_many(connection, table, &mut stored, mode).map_err(|error| {
        let written = stored.iter().flatten().flat_map(|row| row.0.iter().enumerate());
        references::of_write(error, connection, table, &written)
    })?;
    Ok(stored)
}

pub(crate) fn write_one(
    session: &Session<'_>,
    table: &Table,
    row: &mut EncodedRow,
    mode: WriteMode,
) -> Result<bool> {
    let connection = session.connection;
    let generated = table.ids.missing(row);
    if let Some(generated) = generated
        && session.is_shared
    {
        // An insert for which SQLite finds no id undoes the whole transaction, others' work too.
        generated.check(connection, table)?;
    }
    let changed = insert(connection, table.one(mode), row).map_err(|error| {
        // SQLite reports that no id is left as a full disk.
        if let Some(generated) = generated
            && error.sqlite_error_code() == Some(ErrorCode::DiskFull)
            && let Err(used_up) = generated.check(connection, table)
        {
            return used_up;
        }
        references::of_write(error, connection, table, &row.0.iter().enumerate())
    })?;
    if let Some(generated) = generated
        && changed > 0
    {
        generated.fill_in(connection, row);
    }
    Ok(changed > 0 || mode != WriteMode::InsertIfAbsent)
}

fn write_many(
    connection: &Connection,
    table: &Table,
    mut rest: &mut [Option<EncodedRow>],
    mode: WriteMode,
) -> rusqlite::Result<()> {
    let mut bulk = Bulk::new(connection);
    if let Some((count, sql)) = table.block(mode)
        && count <= rest.len()
    {
        let mut statement = connection.prepare_cached(sql)?;
        while count <= rest.len() {
            let (block, after) = rest.split_at_mut(count);
            let mut first = 1;
            for row in block.iter().flatten() {
                bind::values(&mut statement, first, &row.0)?;
                first += row.0.len();
            }
            bulk.execute(&mut statement)?;
            rest = after;
        }
    }
    if rest.is_empty() {
        return bulk.finish();
    }
    let mut statement = connection.prepare_cached(table.one(mode))?;
    for place in rest {
        let Some(row) = place else { continue };
        bind::values(&mut statement, 1, &row.0)?;
        if bulk.execute(&mut statement)? == 0 && mode == WriteMode::InsertIfAbsent {
            *place = None;
        }
    }
    drop(statement);
    bulk.finish()
}

/// Runs a statement that writes one row, and counts the rows that it changed.
pub(crate) fn insert(
    connection: &Connection,
    sql: &str,
    row: &EncodedRow,
) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached(sql)?;
    bind::values(&mut statement, 1, &row.0)?;
    statement.raw_execute()
}

/// Inserts a row, or changes the one that has its values in the `unique` columns, and answers with
/// the row as stored.
pub(crate) fn upsert(
    session: &Session<'_>,
    table: &Table,
    row: EncodedRow,
    unique: &[usize],
    assignments: &[Assignment],
) -> Result<EncodedRow> {
    let mut rows = [row];
    table.ids.assign(session.connection, table, &mut rows)?;
    let command = Command::Upsert { row: &rows[0], unique, assignments };
    let stored = returning(session, table, command)?;
    stored.ok_or_else(|| Error::backend("SQLite did not return the row that it stored", None))
}

/// Changes columns of the row with that key, if it matches, and answers with the whole row.
pub(crate) fn update(
    session: &Session<'_>,
    table: &Table,
    key: &EncodedKey,
    condition: &FilterTree,
    assignments: &[Assignment],
) -> Result<Option<EncodedRow>> {
    returning(session, table, Command::Update { key, condition, assignments })
}

/// Runs a command that returns the row that it wrote, if it wrote one.
fn returning(
    session: &Session<'_>,
    table: &Table,
    command: Command<'_>,
) -> Result<Option<EncodedRow>> {
    let rendered = table.statements.render(&table.definition, command);
    let run = || {
        let mut statement = session.connection.prepare_cached(&rendered.sql)?;
        bind::parameters(&mut statement, &rendered.parameters)?;
        let mut rows = statement.raw_query();
        let row = rows.next()?.map(|row| decode::whole_row(&table.definition, row));
        // The statement has to come to its end: that is where it commits when it is alone.
        while rows.next()?.is_some() {}
        Ok(row)
    };
    let row =
        run().map_err(|error| references::of_command(error, session.connection, table, command))?;
    row.transpose().map_err(|error| table.decode_error(error))
}

/// Deletes the row with that key, if it matches.
pub(crate) fn delete(
    session: &Session<'_>,
    table: &Table,
    key: &EncodedKey,
    condition: &FilterTree,
) -> Result<bool> {
    let connection = session.connection;
    let deleted = if condition.is_all() {
        let bind = |statement: &mut Statement<'_>| bind::values(statement, 1, key.values());
        execute_deletion(connection, table, &table.crud.delete, bind)?
    } else {
        let command = Command::DeleteOne { key, condition };
        let rendered = table.statements.render(&table.definition, command);
        let bind =
            |statement: &mut Statement<'_>| bind::parameters(statement, &rendered.parameters);
        execute_deletion(connection, table, &rendered.sql, bind)?
    };
    Ok(deleted > 0)
}

/// Changes columns of the rows that match, and counts them.
pub(crate) fn update_where(
    session: &Session<'_>,
    table: &Table,
    filter: &FilterTree,
    assignments: &[Assignment],
) -> Result<u64> {
    let command = Command::UpdateWhere { filter, assignments };
    let rendered = table.statements.render(&table.definition, command);
    let run = || {
        let mut statement = session.connection.prepare_cached(&rendered.sql)?;
        bind::parameters(&mut statement, &rendered.parameters)?;
        statement.raw_execute()
    };
    let changed =
        run().map_err(|error| references::of_command(error, session.connection, table, command))?;
    Ok(changed as u64)
}

/// Deletes the rows that match, and counts them.
pub(crate) fn delete_search(
    session: &Session<'_>,
    table: &Table,
    filter: &FilterTree,
) -> Result<u64> {
    let rendered = table.statements.render(&table.definition, Command::Delete(filter));
    // A row that went with another one of them does not count in SQLite.
    let matching =
        if loses_rows_with_rows(table) { Some(read::count(session, table, filter)?) } else { None };
    let bind = |statement: &mut Statement<'_>| bind::parameters(statement, &rendered.parameters);
    let deleted = execute_deletion(session.connection, table, &rendered.sql, bind)?;
    Ok(matching.unwrap_or(deleted as u64))
}

/// Whether rows of the table are deleted with other rows of it.
pub(crate) fn loses_rows_with_rows(table: &Table) -> bool {
    let definition = &*table.definition;
    definition.references.iter().any(|reference| {
        reference.on_delete == OnDelete::Cascade && reference.is_to_itself(definition)
    })
}

/// Runs a statement that deletes rows, and counts them.
fn execute_deletion(
    connection: &Connection,
    table: &Table,
    sql: &str,
    bind: impl Fn(&mut Statement<'_>) -> rusqlite::Result<()>,
) -> Result<usize> {
    let run = || {
        let mut statement = connection.prepare_cached(sql)?;
        bind(&mut statement)?;
        statement.raw_execute()
    };
    run().map_err(|error| references::of_deletion(error, connection, table, sql, bind))
}

/// Deletes every row.
pub(crate) fn delete_all(session: &Session<'_>, table: &Table) -> Result<()> {
    execute_deletion(session.connection, table, &table.crud.delete_all, |_| Ok(())).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use storehouse_runtime::{
        ColumnDef, ColumnRole, ColumnType, DerivedSql, ManagedColumns, TableDef,
    };

    use super::*;
    use crate::table::Tables;

    fn row(value: Value) -> EncodedRow {
        EncodedRow(vec![Value::Int(1), value])
    }

    fn text(length: usize) -> Value {
        Value::Text("x".repeat(length))
    }

    #[test]
    fn a_few_small_rows_are_short() {
        assert!(is_short(&vec![row(Value::Null); 8]));
        assert!(!is_short(&vec![row(Value::Null); 9]));
        let most = 64 * 1_024;
        assert!(is_short(&[row(text(most / 2)), row(text(most / 2))]));
        assert!(!is_short(&[row(text(most / 2)), row(text(most / 2 + 1))]));
        assert!(!is_short(&[row(Value::Bytes(vec![0; most + 1]))]));
        assert!(is_short(&[row(Value::FloatList(vec![0.0; most / 4]))]));
        assert!(!is_short(&[row(Value::FloatList(vec![0.0; most / 4 + 1]))]));
        assert!(!is_short(&[row(Value::TextList(vec!["x".repeat(most / 2 + 1); 2]))]));
    }

    #[test]
    fn json_is_measured_at_every_depth() {
        let size = |document| bytes(&Value::Json(document));
        assert_eq!(size(serde_json::json!(null)), 4);
        assert_eq!(size(serde_json::json!("four")), 8);
        assert_eq!(size(serde_json::json!([1, "four"])), 16);
        assert_eq!(size(serde_json::json!({"name": ["four"], "x": true})), 25);
    }

    #[test]
    fn what_takes_several_statements() {
        let table = |id: ColumnType, key: Vec<usize>| {
            let column = |name: &'static str, column_type| ColumnDef {
                name: name.into(),
                column_type,
                nullable: false,
                description: None,
                default: None,
                role: ColumnRole::Plain,
                json_schema: None,
                rename_from: Vec::new().into(),
            };
            Tables::default().get(&Arc::new(TableDef {
                schema: None,
                name: "t".into(),
                description: None,
                columns: vec![column("id", id), column("name", ColumnType::Text)].into(),
                key: key.into(),
                auto: Some(0),
                indexes: Vec::new().into(),
                shard_by: None,
                references: Vec::new().into(),
                managed: ManagedColumns::NONE,
                rename_from: Vec::new().into(),
                changes: false,
                given_schema: None,
                sql: DerivedSql::default(),
            }))
        };
        let given = row(text(1));
        let missing = EncodedRow(vec![Value::Null, text(1)]);
        for (table, row, expected) in [
            (table(ColumnType::I64, vec![0]), &missing, Weight::OneStatement),
            (table(ColumnType::I64, vec![0]), &given, Weight::OneStatement),
            // A narrow id has to be looked after when it is generated.
            (table(ColumnType::I32, vec![0]), &missing, Weight::Several),
            (table(ColumnType::I32, vec![0]), &given, Weight::OneStatement),
            // The sequence is written too.
            (table(ColumnType::I64, vec![1, 0]), &missing, Weight::Several),
            (table(ColumnType::I64, vec![1, 0]), &given, Weight::Several),
        ] {
            assert_eq!(weight(&table, std::slice::from_ref(row)), expected);
            assert_eq!(weight(&table, &[row.clone(), row.clone()]), Weight::Several);
        }
    }
}
