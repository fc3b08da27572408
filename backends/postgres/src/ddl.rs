//! Creates tables, and compares those that are there with their definitions.
//!
//! Text columns have the collation "C", so that text compares by bytes whatever the database's
//! own collation is. Where a column can be NULL its indexes put NULL first, as orderings do.

mod live;

use sqlx::{AssertSqlSafe, PgConnection};
use storehouse_runtime::{ColumnDef, ColumnType, Error, IndexDef, Result, TableDef};
use storehouse_sql::Dialect;

use self::live::LiveTable;
use crate::{
    engine::Engine,
    error::{self, UNIQUE_VIOLATION},
    pool::Failure,
    table::Table,
    types::{declared, is_vector},
};

/// The number of the lock that set-ups take turns by: "storehou" in ASCII.
const SETUP_LOCK: i64 = 0x7374_6f72_6568_6f75;

/// Creates the table and its indexes where they are missing, all or none.
pub(crate) async fn set_up(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
    in_transaction: bool,
) -> Result<(), Failure> {
    if in_transaction {
        return create(engine, table, connection).await;
    }
    run(connection, "BEGIN".to_owned()).await?;
    let result = create(engine, table, connection).await;
    match result {
        Ok(()) => run(connection, "COMMIT".to_owned()).await,
        Err(failure) => {
            if !failure.is_lost() {
                run(connection, "ROLLBACK".to_owned()).await?;
            }
            Err(failure)
        }
    }
}

async fn create(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    let definition = &*table.definition;
    // Others wait here until this transaction has ended, so no two create the same thing.
    run(connection, format!("SELECT pg_advisory_xact_lock({SETUP_LOCK})")).await?;
    let has_pgvector = has_pgvector(engine, definition, connection).await?;
    let live = LiveTable::read(connection, definition).await?;
    let Some(live) = live else {
        if let Some(schema) = &definition.schema {
            let mut sql = String::from("CREATE SCHEMA IF NOT EXISTS ");
            Dialect::Postgres.push_identifier(&mut sql, schema);
            run(connection, sql).await?;
        }
        run(connection, create_table(definition, has_pgvector)).await?;
        for index in &*definition.indexes {
            create_index_of(table, index, connection).await?;
        }
        return Ok(());
    };
    let differences = live.differences(definition, has_pgvector);
    if !differences.is_empty() {
        return Err(Failure::from(Error::schema(format!(
            "table `{}` differs from its definition: {}. Change the definition to match, or \
             migrate the table; nothing was changed",
            definition.full_name(),
            differences.join("; ")
        ))));
    }
    for index in definition.indexes.iter().filter(|index| !live.has_index(index)) {
        create_index_of(table, index, connection).await?;
    }
    Ok(())
}

/// Whether vectors are pgvector's. The extension is installed where the server has it.
async fn has_pgvector(
    engine: &Engine,
    definition: &TableDef,
    connection: &mut PgConnection,
) -> Result<bool, Failure> {
    if !definition.columns.iter().any(|column| is_vector(column.column_type)) {
        return Ok(false);
    }
    if engine.look_for_pgvector(&mut *connection).await?.is_some() {
        return Ok(true);
    }
    let is_available: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if is_available {
        run(connection, "CREATE EXTENSION IF NOT EXISTS vector".to_owned()).await?;
        engine.look_for_pgvector(connection).await?;
    }
    Ok(is_available)
}

async fn create_index_of(
    table: &Table,
    index: &IndexDef,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    let created = run(connection, create_index(&table.definition, index)).await;
    created.map_err(|failure| match failure.code() {
        Some(UNIQUE_VIOLATION) => Failure::from(Error::schema(format!(
            "index `{}` cannot be made unique, since rows of table `{}` share its values; \
             change those rows first",
            index.name,
            table.definition.full_name()
        ))),
        Some("42P07") => Failure::from(Error::schema(format!(
            "table `{}` needs an index `{}`, but something else has that name; rename one of them",
            table.definition.full_name(),
            index.name
        ))),
        _ => Failure::from(error::of_table(failure, &table.definition)),
    })
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), Failure> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// The name that an index has in the database. PostgreSQL cuts names after 63 bytes; one that is
/// longer ends with a hash of the whole instead, so that two stay two.
pub(crate) fn index_name(name: &str) -> String {
    const LONGEST: usize = 63;
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, which is the same in every version.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut end = LONGEST - 17;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{hash:016x}", &name[..end])
}

fn create_table(definition: &TableDef, has_pgvector: bool) -> String {
    let mut sql = String::from("CREATE TABLE ");
    push_table(&mut sql, definition);
    sql.push_str(" (");
    for (position, column) in definition.columns.iter().enumerate() {
        if position > 0 {
            sql.push_str(", ");
        }
        Dialect::Postgres.push_identifier(&mut sql, &column.name);
        sql.push(' ');
        sql.push_str(&declared(column.column_type, has_pgvector));
        if column.column_type == ColumnType::Text {
            sql.push_str(" COLLATE \"C\"");
        }
        if definition.key.contains(&position) || !column.nullable {
            sql.push_str(" NOT NULL");
        }
        if definition.auto_integer() == Some(position) {
            sql.push_str(" GENERATED BY DEFAULT AS IDENTITY");
            sql.push_str(&greatest_id(column));
        }
    }
    sql.push_str(", PRIMARY KEY (");
    push_columns(&mut sql, definition, &definition.key, false);
    sql.push_str("))");
    sql
}

/// Where the column's type ends before PostgreSQL's does.
fn greatest_id(column: &ColumnDef) -> String {
    match column.column_type {
        ColumnType::I8 | ColumnType::U8 | ColumnType::U16 | ColumnType::U32 => {
            let range = column.column_type.integer_range();
            range.map_or_else(String::new, |(_, greatest)| format!(" (MAXVALUE {greatest})"))
        }
        _ => String::new(),
    }
}

fn create_index(definition: &TableDef, index: &IndexDef) -> String {
    let mut sql = String::from(if index.unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " });
    Dialect::Postgres.push_identifier(&mut sql, &index_name(&index.name));
    sql.push_str(" ON ");
    push_table(&mut sql, definition);
    sql.push_str(" (");
    push_columns(&mut sql, definition, &index.columns, true);
    sql.push(')');
    sql
}

fn push_table(sql: &mut String, definition: &TableDef) {
    Dialect::Postgres.push_table(sql, definition.schema.as_deref(), &definition.name);
}

fn push_columns(sql: &mut String, definition: &TableDef, columns: &[usize], nulls_first: bool) {
    for (position, &column) in columns.iter().enumerate() {
        if position > 0 {
            sql.push_str(", ");
        }
        let column = &definition.columns[column];
        Dialect::Postgres.push_identifier(sql, &column.name);
        if nulls_first && column.nullable {
            sql.push_str(" NULLS FIRST");
        }
    }
}
