//! Compares tables with their definitions, and finds the steps between them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use sqlx::{AssertSqlSafe, PgConnection};
use storehouse_runtime::{MigrationStep, MigrationStepKind, TableDef, migration::match_columns};

use super::{convert::conversion, literal::literal, quoted, table_name};
use crate::{
    ddl::{self, index_name, live::LiveTable},
    engine::Engine,
    pool::Failure,
    types::{Pgvector, WireType, declared, is_vector},
};

/// What is looked at while a plan is made.
pub(super) struct Planner<'a> {
    pub(super) engine: &'a Engine,
    pub(super) connection: &'a mut PgConnection,
    pub(super) steps: Vec<MigrationStep>,
    /// Schemas and extensions that a step creates.
    pub(super) created: HashSet<String>,
}

/// A table on its way from what it is to what it is to be.
pub(super) struct Pair<'a> {
    pub(super) definition: &'a TableDef,
    pub(super) live: &'a LiveTable,
    /// The name that it has in messages.
    pub(super) full_name: String,
    /// The quoted name that it has now.
    pub(super) before: String,
    /// The quoted name that it is to have.
    pub(super) after: String,
    /// For each column of the definition, which of the live ones it is.
    pub(super) columns: Vec<Option<usize>>,
    pub(super) pgvector: Pgvector,
    pub(super) has_rows: bool,
    pub(super) ids: HashMap<String, Ids>,
    /// Names of the constraints that have an index.
    pub(super) constraints: Vec<(String, bool)>,
}

/// How a column's ids are generated.
pub(super) struct Ids {
    pub(super) is_identity: bool,
    pub(super) greatest: i64,
}

/// Where the values of a column come from.
pub(super) enum Source {
    /// From an expression over the live columns.
    Live(String),
    /// All rows get the same.
    Literal(String),
    Generated,
    /// From nowhere.
    Missing,
}

const IDS: &str = "SELECT a.attname::text, a.attidentity IN ('a', 'd'), s.seqmax FROM pg_attribute AS a \
    JOIN pg_sequence AS s ON s.seqrelid = \
        pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)::regclass::oid \
    WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped";

const CONSTRAINTS: &str = "SELECT conname::text, contype = 'p' FROM pg_constraint \
    WHERE conrelid = $1::bigint::oid AND contype IN ('p', 'u')";

impl<'a> Planner<'a> {
    /// The steps from the tables that are there to `tables`.
    pub(super) async fn plan(
        engine: &'a Engine,
        tables: &[Arc<TableDef>],
        connection: &'a mut PgConnection,
    ) -> Result<Vec<MigrationStep>, Failure> {
        let mut planner =
            Planner { engine, connection, steps: Vec::new(), created: HashSet::new() };
        for definition in tables {
            let first = planner.steps.len();
            planner.table(definition, tables).await?;
            planner.block_without_targets(definition, tables, first).await?;
        }
        Ok(planner.steps)
    }

    /// The quoted names of the tables that are there, under whatever name.
    pub(super) async fn present(
        tables: &[Arc<TableDef>],
        connection: &mut PgConnection,
    ) -> Result<Vec<String>, Failure> {
        let mut present = Vec::new();
        for definition in tables {
            let schema = definition.schema.as_deref();
            let names = std::iter::once(&definition.name).chain(&*definition.rename_from);
            for name in names {
                if LiveTable::read(connection, schema, name).await?.is_some() {
                    present.push(table_name(schema, name));
                }
            }
        }
        Ok(present)
    }

    async fn table(&mut self, definition: &TableDef, all: &[Arc<TableDef>]) -> Result<(), Failure> {
        let pgvector = self.pgvector(definition).await?;
        let schema = definition.schema.as_deref();
        let full_name = definition.full_name().into_owned();
        let after = table_name(schema, &definition.name);
        let mut live = LiveTable::read(self.connection, schema, &definition.name).await?;
        let mut live_name = definition.name.to_string();
        for earlier in &*definition.rename_from {
            let is_another =
                all.iter().any(|other| other.schema == definition.schema && other.name == *earlier);
            if is_another {
                continue;
            }
            let Some(previous) = LiveTable::read(self.connection, schema, earlier).await? else {
                continue;
            };
            let before = table_name(schema, earlier);
            if live.is_none() {
                live = Some(previous);
                live_name = earlier.to_string();
            } else if self.is_empty(&after).await? && !self.is_empty(&before).await? {
                let kind = MigrationStepKind::RenameTable { from: earlier.to_string() };
                let step = MigrationStep::new(&*full_name, kind)
                    .difference(format!("its rows are still in table `{earlier}`"))
                    .blocked(format!(
                        "table `{full_name}` is there already and empty, while `{earlier}` has \
                         rows; drop the empty one, which `setup_database()` may have made too early"
                    ));
                self.steps.push(step);
            }
            break;
        }
        let Some(live) = live else {
            return self.create(definition, pgvector, &full_name).await;
        };
        let names: Vec<&str> = live.columns.iter().map(|live| live.name.as_str()).collect();
        let before = table_name(schema, &live_name);
        let ids = sqlx::query_as::<_, (String, bool, i64)>(IDS)
            .bind(live.oid)
            .persistent(false)
            .fetch_all(&mut *self.connection)
            .await?;
        let constraints = sqlx::query_as(CONSTRAINTS)
            .bind(live.oid)
            .persistent(false)
            .fetch_all(&mut *self.connection)
            .await?;
        let pair = Pair {
            definition,
            has_rows: !self.is_empty(&before).await?,
            columns: match_columns(definition, &names),
            live: &live,
            full_name,
            before,
            after,
            pgvector,
            ids: ids
                .into_iter()
                .map(|(name, is_identity, greatest)| (name, Ids { is_identity, greatest }))
                .collect(),
            constraints,
        };
        let is_to_be_logged = self.end_change_log(&pair, &live_name).await?;
        self.rename(&pair, &live_name);
        let creations = self.indexes(&pair, &live_name, &names);
        self.add_columns(&pair)?;
        self.change_columns(&pair).await?;
        self.key(&pair).await?;
        self.ids(&pair);
        self.allow_null(&pair);
        self.drop_columns(&pair);
        for index in creations {
            self.create_index(&pair, index).await?;
        }
        self.references(&pair).await?;
        if let Some(difference) = is_to_be_logged {
            self.log_changes(definition, pgvector, difference).await?;
        }
        Ok(())
    }

    /// pgvector's types as they are once the plan is done, if there is a vector.
    async fn pgvector(&mut self, definition: &TableDef) -> Result<Pgvector, Failure> {
        if !definition.columns.iter().any(|column| is_vector(column.column_type)) {
            return Ok(Pgvector::default());
        }
        let found = self.engine.look_for_pgvector(self.connection).await?;
        if found.vector.is_some() {
            return Ok(found);
        }
        let available: Option<bool> = sqlx::query_scalar(
            "SELECT string_to_array(default_version, '.')::integer[] >= ARRAY[0, 7] \
             FROM pg_available_extensions WHERE name = 'vector'",
        )
        .persistent(false)
        .fetch_optional(&mut *self.connection)
        .await?;
        let Some(has_halfvec) = available else { return Ok(found) };
        if self.created.insert("extension vector".to_owned()) {
            let kind = MigrationStepKind::CreateExtension { extension: "vector".to_owned() };
            let step = MigrationStep::new(definition.full_name(), kind)
                .difference("the extension `vector` is not installed")
                .sql("CREATE EXTENSION IF NOT EXISTS vector");
            self.steps.push(step);
        }
        // Their numbers are known only once they are there; a plan needs their names alone.
        let unknown = WireType { one: 0, array: 0 };
        Ok(Pgvector { vector: Some(unknown), halfvec: has_halfvec.then_some(unknown) })
    }

    async fn create(
        &mut self,
        definition: &TableDef,
        pgvector: Pgvector,
        full_name: &str,
    ) -> Result<(), Failure> {
        let profile = self.engine.profile;
        if let Some(schema) = definition.schema.as_deref()
            && !ddl::has_schema(schema, self.connection).await?
            && self.created.insert(format!("schema {schema}"))
        {
            let kind = MigrationStepKind::CreateSchema { schema: schema.to_owned() };
            let step = MigrationStep::new(full_name, kind)
                .difference(format!("schema `{schema}` is missing"))
                .sql(format!("CREATE SCHEMA {}", quoted(schema)));
            self.steps.push(step);
        }
        let mut step = MigrationStep::new(full_name, MigrationStepKind::CreateTable)
            .difference("it is missing")
            .sql(ddl::create_table(definition, pgvector, profile));
        if let Some(sql) = ddl::distribute(definition, profile) {
            step = step.sql(sql);
        }
        self.steps.push(step);
        for index in &*definition.indexes {
            let step = MigrationStep::new(
                full_name,
                MigrationStepKind::CreateIndex { index: index_name(&index.name) },
            )
            .sql(ddl::create_index(definition, index, profile));
            self.steps.push(step);
        }
        if definition.changes && profile.has_snapshots() {
            self.log_changes(definition, pgvector, "").await?;
        }
        Ok(())
    }

    fn rename(&mut self, pair: &Pair<'_>, live_name: &str) {
        if pair.before != pair.after {
            let name = quoted(&pair.definition.name);
            let step = pair
                .step(MigrationStepKind::RenameTable { from: live_name.to_owned() })
                .difference(format!("it is called `{live_name}`"))
                .sql(format!("ALTER TABLE {} RENAME TO {name}", pair.before));
            self.steps.push(step);
        }
        for (column, place) in pair.definition.columns.iter().zip(&pair.columns) {
            let Some(live) = place.map(|place| &pair.live.columns[place]) else { continue };
            if live.name != column.name {
                let (from, to) = (live.name.clone(), column.name.to_string());
                let sql =
                    pair.alter(&format!("RENAME COLUMN {} TO {}", quoted(&from), quoted(&to)));
                let difference = format!("column `{to}` is called `{from}`");
                let step = pair.step(MigrationStepKind::RenameColumn { from, to });
                self.steps.push(step.difference(difference).sql(sql));
            }
        }
    }

    pub(super) async fn count_rows(
        &mut self,
        pair: &Pair<'_>,
        condition: &str,
    ) -> Result<i64, Failure> {
        self.count(format!("SELECT count(*) FROM {} WHERE {condition}", pair.before)).await
    }

    pub(super) async fn count(&mut self, sql: String) -> Result<i64, Failure> {
        let count = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
        Ok(count.fetch_one(&mut *self.connection).await?)
    }

    pub(super) async fn is_empty(&mut self, table: &str) -> Result<bool, Failure> {
        let sql = format!("SELECT NOT EXISTS (SELECT FROM {table})");
        let empty = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
        Ok(empty.fetch_one(&mut *self.connection).await?)
    }
}

impl Pair<'_> {
    pub(super) fn step(&self, kind: MigrationStepKind) -> MigrationStep {
        MigrationStep::new(&*self.full_name, kind)
    }

    pub(super) fn alter(&self, clause: &str) -> String {
        format!("ALTER TABLE {} {clause}", self.after)
    }

    pub(super) fn names(&self, columns: &[usize]) -> String {
        let columns: Vec<&str> =
            columns.iter().map(|&column| &*self.definition.columns[column].name).collect();
        columns.join(", ")
    }

    pub(super) fn is_wanted_not_null(&self, position: usize) -> bool {
        !self.definition.columns[position].nullable || self.definition.key.contains(&position)
    }

    /// Where the values of a column come from.
    pub(super) fn source(&self, position: usize) -> Result<Source, Failure> {
        let column = &self.definition.columns[position];
        let wanted = declared(column.column_type, self.pgvector);
        let Some(place) = self.columns[position] else {
            if self.definition.auto_integer() == Some(position) {
                return Ok(Source::Generated);
            }
            return Ok(match self.definition.filled_in(position) {
                Some(value) => Source::Literal(literal(&value, column.column_type, &wanted)?),
                None if column.nullable => Source::Literal("NULL".to_owned()),
                None => Source::Missing,
            });
        };
        let live = &self.live.columns[place];
        let name = quoted(&live.name);
        if ddl::live::fits(column.column_type, &wanted, &live.declared) {
            return Ok(Source::Live(name));
        }
        let converted = conversion(&live.declared, column.column_type, &name);
        let converted = converted.map(|conversion| (conversion.using)(&name, &wanted));
        Ok(Source::Live(converted.unwrap_or(name)))
    }
}
