//! Migrations: from the tables that are there to those that are defined.
//!
//! A plan is done in one transaction, which PostgreSQL undoes as a whole when a statement fails.
//! Those who migrate take turns by the lock of the set-ups, and plan once more when it is theirs.

mod changes;
mod columns;
mod convert;
mod indexes;
mod literal;
mod planner;
mod references;

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgConnection};
use storehouse_runtime::{
    Error, MigrationStep, MigrationStepKind, PlannedSteps, Result, TableDef,
    migration::{check_same, check_steps},
};
use storehouse_sql::Dialect;

use self::planner::Planner;
use crate::{
    ddl::take_turn,
    engine::Engine,
    error::{self, UNIQUE_VIOLATION},
    pool::{Failure, read_again, run, write_again},
};

/// The steps from the tables that are there to `tables`. Nothing is changed.
pub(crate) async fn plan(engine: &Engine, tables: &[Arc<TableDef>]) -> Result<PlannedSteps> {
    let planned = run!(engine.singles, read_again, |connection| look(engine, tables, connection));
    planned.map_err(error::of_server)
}

async fn look(
    engine: &Engine,
    tables: &[Arc<TableDef>],
    connection: &mut PgConnection,
) -> Result<PlannedSteps, Failure> {
    let mut planned = PlannedSteps::default();
    planned.steps = Planner::plan(engine, tables, connection).await?;
    planned.prologue =
        format!("SET LOCAL lock_timeout = '{}ms';\n", engine.options.lock_timeout.as_millis());
    Ok(planned)
}

/// Does the planned steps, all or none.
pub(crate) async fn apply(
    engine: &Engine,
    tables: &[Arc<TableDef>],
    planned: &[MigrationStep],
) -> Result<()> {
    engine.id.check_may_wait()?;
    let in_transaction = engine.options.transaction_pooling;
    let done = run!(engine.singles, write_again, |connection| in_one(
        engine,
        tables,
        planned,
        connection,
        in_transaction
    ));
    // Statements that are prepared on connections know the tables as they were.
    engine.batches.renew();
    done.map_err(error::of_server)
}

async fn in_one(
    engine: &Engine,
    tables: &[Arc<TableDef>],
    planned: &[MigrationStep],
    connection: &mut PgConnection,
    in_transaction: bool,
) -> Result<(), Failure> {
    if in_transaction {
        return run_steps(engine, tables, planned, connection).await;
    }
    execute(connection, "BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    match run_steps(engine, tables, planned, connection).await {
        Ok(()) => execute(connection, "COMMIT").await,
        Err(failure) => {
            if !failure.is_lost() {
                execute(connection, "ROLLBACK").await?;
            }
            Err(failure)
        }
    }
}

async fn run_steps(
    engine: &Engine,
    tables: &[Arc<TableDef>],
    planned: &[MigrationStep],
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    if engine.profile.has_advisory_locks() {
        take_turn(connection).await?;
    }
    let steps = Planner::plan(engine, tables, connection).await?;
    if steps.is_empty() {
        return Ok(());
    }
    check_same(planned, &steps)?;
    // From here on nobody changes the rows that the plan looks at.
    let changed: Vec<_> = (tables.iter())
        .filter(|table| steps.iter().any(|step| step.table == table.full_name()))
        .cloned()
        .collect();
    for table in Planner::present(&changed, connection).await? {
        execute(connection, &format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await?;
    }
    let steps = Planner::plan(engine, tables, connection).await?;
    check_steps(&steps)?;
    check_same(planned, &steps)?;
    for step in &steps {
        for sql in &step.sql {
            execute(connection, sql).await.map_err(|failure| of_step(step, failure))?;
        }
    }
    if steps.iter().any(|step| matches!(step.kind, MigrationStepKind::CreateExtension { .. })) {
        engine.look_for_pgvector(&mut *connection).await?;
    }
    let rest = Planner::plan(engine, tables, connection).await?;
    if let Some(step) = rest.first() {
        return Err(Failure::from(Error::backend(
            format!("after the plan this would still be to be done: {step}; please report this"),
            None,
        )));
    }
    Ok(())
}

/// What a step that fails has met.
fn of_step(step: &MigrationStep, failure: Failure) -> Failure {
    let in_the_way = |what: &str, failure: Failure| {
        let reason = error::of_server(failure);
        Failure::from(Error::schema(format!(
            "{what} in the way of this step: {}: {} ({reason}). Nothing was changed",
            step.table, step.kind
        )))
    };
    match failure.code() {
        Some(UNIQUE_VIOLATION) => in_the_way("rows are", failure),
        Some(code) if code.starts_with("22") || code.starts_with("23") => {
            in_the_way("rows are", failure)
        }
        // Something depends on what is dropped or changed, such as a view.
        Some("2BP01" | "0A000" | "42P07" | "42710" | "42804" | "42P16") => {
            in_the_way("something is", failure)
        }
        Some("42501") => {
            let mut owner = String::from("ALTER TABLE ");
            owner.push_str(&step.table);
            owner.push_str(" OWNER TO CURRENT_USER");
            error::lacks(failure, &format!("to be the owner of table `{}`", step.table), &owner)
        }
        _ => failure,
    }
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Result<(), Failure> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await?;
    Ok(())
}

fn table_name(schema: Option<&str>, name: &str) -> String {
    let mut sql = String::new();
    Dialect::Postgres.push_table(&mut sql, schema, name);
    sql
}

fn quoted(name: &str) -> String {
    let mut sql = String::new();
    Dialect::Postgres.push_identifier(&mut sql, name);
    sql
}
