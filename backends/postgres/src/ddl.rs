//! Creates tables, and compares those that are there with their definitions.
//!
//! Text columns have the collation "C", so that text compares by bytes whatever the database's
//! own collation is. Where a column can be NULL its indexes put NULL first, as orderings do.

pub(crate) mod live;
mod privileges;
pub(crate) mod references;
#[cfg(test)]
mod tests;

use sqlx::{AssertSqlSafe, PgConnection};
use storehouse_runtime::{ColumnDef, ColumnType, Error, IndexDef, Result, TableDef};
use storehouse_sql::Dialect;

use self::{live::LiveTable, privileges::Needs};
use crate::{
    changes::ddl::Names,
    engine::Engine,
    error::{self, UNIQUE_VIOLATION},
    pool::Failure,
    profile::Profile,
    table::Table,
    types::{Pgvector, declared, is_vector},
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
    end(result, connection).await
}

async fn end(result: Result<(), Failure>, connection: &mut PgConnection) -> Result<(), Failure> {
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

/// Removes the log of a table's changes, where there is one, all of it or nothing.
pub(crate) async fn remove_change_log(
    table: &Table,
    connection: &mut PgConnection,
    in_transaction: bool,
) -> Result<(), Failure> {
    let (definition, name) = (&*table.definition, &*table.definition.name);
    if in_transaction {
        let names = Names::of(definition, name, connection).await?;
        return names.remove(connection).await;
    }
    run(connection, "BEGIN".to_owned()).await?;
    let removed = match Names::of(definition, name, connection).await {
        Ok(names) => names.remove(connection).await,
        Err(failure) => Err(failure),
    };
    end(removed, connection).await
}

/// Makes the log of the table's changes, where it is to have one.
async fn log_changes(
    engine: &Engine,
    definition: &TableDef,
    pgvector: Pgvector,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    if !definition.changes || !engine.profile.has_snapshots() {
        return Ok(());
    }
    let names = Names::of(definition, &definition.name, connection).await?;
    names.set_up(definition, pgvector, connection).await
}

async fn create(
    engine: &Engine,
    table: &Table,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    let (definition, profile) = (&*table.definition, engine.profile);
    if profile.has_advisory_locks() {
        take_turn(connection).await?;
    }
    let pgvector = find_pgvector(engine, definition, connection).await?;
    let live = LiveTable::read(connection, definition.schema.as_deref(), &definition.name).await?;
    let needs = Needs { definition, options: &engine.options.connect };
    references::check_targets(&needs, live.is_none(), connection).await?;
    let Some(live) = live else {
        create_schema(&needs, connection).await?;
        let created = run(connection, create_table(definition, pgvector, profile)).await;
        created.map_err(|failure| references::not_unique(needs.a_schema(failure), definition))?;
        if let Some(sql) = distribute(definition, profile) {
            run(connection, sql).await?;
        }
        for index in &*definition.indexes {
            create_index_of(&needs, index, profile, connection).await?;
        }
        return log_changes(engine, definition, pgvector, connection).await;
    };
    let differences = live.differences(definition, pgvector);
    if !differences.is_empty() {
        return Err(Failure::from(Error::schema(format!(
            "table `{}` differs from its definition: {}. Change the definition to match, or \
             migrate the table, with the steps that `store.migration().table::<T>().plan()` shows; \
             nothing was changed",
            definition.full_name(),
            differences.join("; ")
        ))));
    }
    for index in definition.indexes.iter().filter(|index| !live.has_index(index)) {
        create_index_of(&needs, index, profile, connection).await?;
    }
    log_changes(engine, definition, pgvector, connection).await
}

/// Waits until no other set-up is under way, so that no two create the same thing. Others wait in
/// turn until this transaction has ended.
pub(crate) async fn take_turn(connection: &mut PgConnection) -> Result<(), Failure> {
    // An index on a large table takes longer than anybody should wait for a row.
    let before: String = sqlx::query_scalar("SELECT current_setting('lock_timeout')")
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
    run(
        connection,
        format!(
            "SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({SETUP_LOCK}); \
             SET LOCAL lock_timeout = '{before}'"
        ),
    )
    .await
}

/// Creates the schema where it is missing. `IF NOT EXISTS` would ask for the privilege to create
/// it also where it is there.
async fn create_schema(needs: &Needs<'_>, connection: &mut PgConnection) -> Result<(), Failure> {
    let Some(schema) = needs.definition.schema.as_deref() else { return Ok(()) };
    if has_schema(schema, connection).await? {
        return Ok(());
    }
    let mut sql = String::from("CREATE SCHEMA IF NOT EXISTS ");
    Dialect::Postgres.push_identifier(&mut sql, schema);
    run(connection, sql).await.map_err(|failure| needs.the_database(failure))
}

/// Whether there is a schema of that name.
pub(crate) async fn has_schema(
    schema: &str,
    connection: &mut PgConnection,
) -> Result<bool, Failure> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
        .bind(schema)
        .persistent(false)
        .fetch_one(connection)
        .await?)
}

/// pgvector's types, if there is a vector. The extension is installed where the server has it.
async fn find_pgvector(
    engine: &Engine,
    definition: &TableDef,
    connection: &mut PgConnection,
) -> Result<Pgvector, Failure> {
    if !definition.columns.iter().any(|column| is_vector(column.column_type)) {
        return Ok(Pgvector::default());
    }
    let found = engine.look_for_pgvector(&mut *connection).await?;
    if found.vector.is_some() {
        return Ok(found);
    }
    let is_available: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')",
    )
    .persistent(false)
    .fetch_one(&mut *connection)
    .await?;
    if !is_available {
        return Ok(found);
    }
    let created = run(connection, "CREATE EXTENSION IF NOT EXISTS vector".to_owned()).await;
    created.map_err(privileges::the_extension)?;
    let found = engine.look_for_pgvector(connection).await?;
    // Those that are open do not know its types.
    engine.batches.renew();
    Ok(found)
}

async fn create_index_of(
    needs: &Needs<'_>,
    index: &IndexDef,
    profile: Profile,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    let definition = needs.definition;
    let created = run(connection, create_index(definition, index, profile)).await;
    // Without a lock, another set-up may have made it meanwhile.
    let may_have_met = !profile.has_advisory_locks();
    created.map_err(|failure| match failure.code() {
        Some("42P07") if may_have_met => failure,
        Some(UNIQUE_VIOLATION) => Failure::from(Error::schema(format!(
            "index `{}` cannot be made unique, since rows of table `{}` share its values; \
             change those rows first",
            index.name,
            definition.full_name()
        ))),
        Some("42P07") => Failure::from(Error::schema(format!(
            "table `{}` needs an index `{}`, but something else has that name; rename one of them",
            definition.full_name(),
            index.name
        ))),
        _ => Failure::from(error::of_table(needs.the_table(failure), definition)),
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

pub(crate) fn create_table(definition: &TableDef, pgvector: Pgvector, profile: Profile) -> String {
    let mut sql = String::from("CREATE TABLE ");
    push_table(&mut sql, definition);
    sql.push_str(" (");
    for position in 0..definition.columns.len() {
        if position > 0 {
            sql.push_str(", ");
        }
        push_column(&mut sql, definition, position, pgvector, profile);
    }
    sql.push_str(", PRIMARY KEY (");
    push_columns(&mut sql, definition, &definition.key, Order::Key(profile));
    sql.push(')');
    for reference in &*definition.references {
        references::push(&mut sql, definition, reference, profile);
    }
    sql.push(')');
    sql
}

/// Appends a column as it stands in a new table.
pub(crate) fn push_column(
    sql: &mut String,
    definition: &TableDef,
    position: usize,
    pgvector: Pgvector,
    profile: Profile,
) {
    let column = &definition.columns[position];
    Dialect::Postgres.push_identifier(sql, &column.name);
    sql.push(' ');
    sql.push_str(&declared(column.column_type, pgvector));
    sql.push_str(collation(column.column_type, profile));
    if definition.key.contains(&position) || !column.nullable {
        sql.push_str(" NOT NULL");
    }
    if definition.auto_integer() == Some(position) {
        sql.push_str(" GENERATED BY DEFAULT AS IDENTITY");
        sql.push_str(&greatest_id(column));
    }
}

/// What a column is declared with so that it compares by bytes.
pub(crate) const fn collation(column_type: ColumnType, profile: Profile) -> &'static str {
    if matches!(column_type, ColumnType::Text) { profile.collation() } else { "" }
}

/// Spreads a new table over the servers, where there are several.
pub(crate) fn distribute(definition: &TableDef, profile: Profile) -> Option<String> {
    let column = &definition.columns[definition.shard_by.filter(|_| profile.spreads())?].name;
    let mut table = String::new();
    push_table(&mut table, definition);
    // Names are checked to be plain, so neither text has a quote in it.
    Some(format!("SELECT create_distributed_table('{table}', '{column}')"))
}

/// Where the column's type ends before PostgreSQL's does.
pub(crate) fn greatest_id(column: &ColumnDef) -> String {
    match column.column_type {
        ColumnType::I8 | ColumnType::U8 | ColumnType::U16 | ColumnType::U32 => {
            let range = column.column_type.integer_range();
            range.map_or_else(String::new, |(_, greatest)| format!(" (MAXVALUE {greatest})"))
        }
        _ => String::new(),
    }
}

pub(crate) fn create_index(definition: &TableDef, index: &IndexDef, profile: Profile) -> String {
    let mut sql = String::from(if index.unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " });
    Dialect::Postgres.push_identifier(&mut sql, &index_name(&index.name));
    sql.push_str(" ON ");
    push_table(&mut sql, definition);
    sql.push_str(" (");
    push_columns(&mut sql, definition, &index.columns, Order::Index(profile));
    sql.push(')');
    sql
}

fn push_table(sql: &mut String, definition: &TableDef) {
    Dialect::Postgres.push_table(sql, definition.schema.as_deref(), &definition.name);
}

/// How the columns of a key or an index are ordered.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    Key(Profile),
    /// With NULL first, as orderings have it.
    Index(Profile),
}

pub(crate) fn push_columns(
    sql: &mut String,
    definition: &TableDef,
    columns: &[usize],
    order: Order,
) {
    let (Order::Key(profile) | Order::Index(profile)) = order;
    for (position, &column) in columns.iter().enumerate() {
        if position > 0 {
            sql.push_str(", ");
        }
        let column = &definition.columns[column];
        Dialect::Postgres.push_identifier(sql, &column.name);
        if position == 0 {
            sql.push_str(profile.ascending());
        }
        if matches!(order, Order::Index(_)) && column.nullable {
            sql.push_str(" NULLS FIRST");
        }
    }
}
