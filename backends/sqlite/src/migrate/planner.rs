//! Compares tables with their definitions, and finds the steps between them.

use std::sync::Arc;

use rusqlite::Connection;
use storehouse_runtime::{
    Error, IndexDef, MigrationStep, MigrationStepKind, PlannedSteps, Result, TableDef, Value,
    migration::match_columns,
};

use super::{
    convert::{conversion, literal, misfit, text_literal},
    rebuild::{Rebuild, Source},
    scratch::Scratch,
};
use crate::{
    ddl::{
        self,
        live::{LiveTable, fits, full_name},
    },
    error,
    ids::{CREATE_SEQUENCES, Ids},
};

/// The steps from the tables that are there to `tables`. Nothing is changed.
pub(crate) fn plan(connection: &Connection, tables: &[Arc<TableDef>]) -> Result<PlannedSteps> {
    let mut planner = Planner {
        live: connection,
        scratch: Scratch::copy(connection)?,
        steps: Vec::new(),
        drops_referenced: false,
    };
    for definition in tables {
        let first = planner.steps.len();
        planner.table(definition, tables)?;
        planner.block_without_targets(definition, tables, first)?;
    }
    planner.finish(tables)
}

pub(super) struct Planner<'c> {
    pub(super) live: &'c Connection,
    pub(super) scratch: Scratch,
    pub(super) steps: Vec<MigrationStep>,
    /// Whether a table is written anew that others refer to.
    pub(super) drops_referenced: bool,
}

/// A table on its way from what it is to what it is to be.
pub(super) struct Pair<'a> {
    pub(super) definition: &'a TableDef,
    /// The name that it is to have.
    pub(super) name: String,
    /// The name that it has.
    pub(super) live_name: String,
    pub(super) live: &'a LiveTable,
    /// For each column of the definition, which of the live ones it is.
    pub(super) columns: Vec<Option<usize>>,
}

impl Pair<'_> {
    pub(super) fn step(&self, kind: MigrationStepKind) -> MigrationStep {
        MigrationStep::new(&*self.name, kind)
    }
}

impl Planner<'_> {
    fn table(&mut self, definition: &TableDef, all: &[Arc<TableDef>]) -> Result<()> {
        let name = definition.full_name().into_owned();
        let indexes = ddl::indexes(definition);
        let Some(live_name) = self.find(definition, &name, all)? else {
            self.create(definition, &indexes, &name);
            return Ok(());
        };
        let live = LiveTable::read(self.live, &live_name).map_err(error::of_database)?;
        let live_columns: Vec<&str> = live.columns.iter().map(|live| live.name.as_str()).collect();
        let columns = match_columns(definition, &live_columns);
        let pair = Pair { definition, name, live_name, live: &live, columns };
        let is_to_be_logged = self.end_change_log(&pair)?;
        self.rename(&pair);
        let creations = self.indexes(&pair, &indexes, &live_columns);
        self.columns(&pair, Rebuild::default())?;
        for index in creations {
            self.create_index(&pair, index)?;
        }
        if let Some(difference) = is_to_be_logged {
            self.log_changes(definition, difference);
        }
        Ok(())
    }

    /// The name that the table has now, if it is there.
    fn find(
        &mut self,
        definition: &TableDef,
        name: &str,
        all: &[Arc<TableDef>],
    ) -> Result<Option<String>> {
        let prefix = definition.schema.as_ref().map_or_else(String::new, |name| format!("{name}."));
        let mut previous = None;
        for earlier in &*definition.rename_from {
            let earlier = format!("{prefix}{earlier}");
            let is_another = all.iter().any(|other| other.full_name() == earlier);
            if !is_another && self.exists(&earlier)? {
                previous = Some(earlier);
                break;
            }
        }
        if !self.exists(name)? {
            return Ok(previous);
        }
        if let Some(previous) = previous
            && self.is_empty(name)?
            && !self.is_empty(&previous)?
        {
            let step =
                MigrationStep::new(name, MigrationStepKind::RenameTable { from: previous.clone() });
            self.push(
                step.difference(format!("its rows are still in table `{previous}`")).blocked(
                    format!(
                        "table `{name}` is there already and empty, while `{previous}` has rows; \
                         drop the empty one, which `setup_database()` may have made too early"
                    ),
                ),
            );
        }
        Ok(Some(name.to_owned()))
    }

    fn create(&mut self, definition: &TableDef, indexes: &[IndexDef], name: &str) {
        let mut step = MigrationStep::new(name, MigrationStepKind::CreateTable)
            .difference("it is missing")
            .sql(plain(&ddl::create_table(definition)));
        if matches!(Ids::of(definition), Ids::Sequence(_)) {
            step = step.sql(CREATE_SEQUENCES);
        }
        self.push(step);
        for index in indexes {
            let index_name = full_name(definition, index);
            let step =
                MigrationStep::new(name, MigrationStepKind::CreateIndex { index: index_name })
                    .sql(ddl::create_index(definition, index));
            self.push(step);
        }
        if definition.changes {
            self.log_changes(definition, "");
        }
    }

    fn rename(&mut self, pair: &Pair<'_>) {
        let Pair { name, live_name, .. } = pair;
        if name != live_name {
            let mut step = pair
                .step(MigrationStepKind::RenameTable { from: live_name.clone() })
                .difference(format!("it is called `{live_name}`"))
                .sql(format!("ALTER TABLE {} RENAME TO {}", quoted(live_name), quoted(name)));
            if self.has_sequences() {
                step = step.sql(format!(
                    "UPDATE storehouse_sequences SET name = {} WHERE name = {}",
                    text_literal(name),
                    text_literal(live_name)
                ));
            }
            self.push(step);
        }
        for (column, place) in pair.definition.columns.iter().zip(&pair.columns) {
            let Some(live) = place.map(|place| &pair.live.columns[place]) else { continue };
            if live.name != column.name {
                let (from, to) = (live.name.clone(), column.name.to_string());
                let sql = format!(
                    "ALTER TABLE {} RENAME COLUMN {} TO {}",
                    quoted(name),
                    quoted(&from),
                    quoted(&to)
                );
                let difference = format!("column `{to}` is called `{from}`");
                let step = pair.step(MigrationStepKind::RenameColumn { from, to });
                self.push(step.difference(difference).sql(sql));
            }
        }
    }

    /// Tries a step on the copy, and adds it.
    pub(super) fn push(&mut self, mut step: MigrationStep) {
        for sql in &step.sql {
            if let Err(error) = self.scratch.connection.execute_batch(sql) {
                step.blocked.get_or_insert_with(|| format!("SQLite refuses it: {error}"));
                break;
            }
        }
        self.steps.push(step);
    }

    /// Holds the copy to what the steps were to bring about.
    fn finish(mut self, tables: &[Arc<TableDef>]) -> Result<PlannedSteps> {
        let is_possible = self.steps.iter().all(|step| step.blocked.is_none());
        if let Some(broken) = self.scratch.broken()
            && let Some(last) = self.steps.last_mut()
        {
            last.blocked.get_or_insert_with(|| {
                format!(
                    "a view or a trigger would no longer work after this ({broken}); change or \
                     drop it first"
                )
            });
        }
        if is_possible && !self.steps.is_empty() {
            for definition in tables {
                let name = definition.full_name();
                let live = LiveTable::read(&self.scratch.connection, &name);
                let live = live.map_err(error::of_database)?;
                let indexes = ddl::indexes(definition);
                let mut rest = live.differences(definition, &indexes);
                let missing = indexes.iter().filter(|index| !live.has_index(definition, index));
                rest.extend(missing.map(|index| format!("index `{}` is missing", index.name)));
                if !rest.is_empty() {
                    return Err(Error::backend(
                        format!(
                            "the plan for table `{name}` would not lead to its definition: {}; \
                             please report this",
                            rest.join("; ")
                        ),
                        None,
                    ));
                }
            }
        }
        let mut planned = PlannedSteps::default();
        planned.steps = self.steps;
        if self.drops_referenced {
            // Foreign keys can be switched off only outside of a transaction.
            planned.prologue =
                "-- no-transaction\nPRAGMA foreign_keys = OFF;\nBEGIN IMMEDIATE;\n".into();
            planned.epilogue = "COMMIT;\nPRAGMA foreign_keys = ON;\n".into();
        }
        Ok(planned)
    }

    pub(super) fn exists(&self, table: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)";
        self.live.query_row(sql, [table], |row| row.get(0)).map_err(error::of_database)
    }

    pub(super) fn has_sequences(&self) -> bool {
        self.scratch.sql_of("table", "storehouse_sequences").is_ok_and(|sql| sql.is_some())
    }

    pub(super) fn is_empty(&self, table: &str) -> Result<bool> {
        let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {})", quoted(table));
        self.live.query_row(&sql, [], |row| row.get(0)).map_err(error::of_database)
    }

    pub(super) fn count_rows(&self, pair: &Pair<'_>, condition: &str) -> Result<i64> {
        let table = quoted(&pair.live_name);
        self.count(&format!("SELECT count(*) FROM {table} WHERE {condition}"))
    }

    pub(super) fn count(&self, sql: &str) -> Result<i64> {
        self.live.query_row(sql, [], |row| row.get(0)).map_err(error::of_database)
    }
}

impl Source {
    /// Where the values of a column come from.
    pub(super) fn of(pair: &Pair<'_>, position: usize) -> Result<Self> {
        let column = &pair.definition.columns[position];
        let Some(place) = pair.columns[position] else {
            if let Some(value) = pair.definition.filled_in(position) {
                return Ok(Self::Literal(literal(&value)?));
            }
            if column.nullable {
                return Ok(Self::Literal(literal(&Value::Null)?));
            }
            let is_row_number =
                pair.definition.auto_integer() == Some(position) && pair.definition.key.len() == 1;
            return Ok(if is_row_number { Self::Generated } else { Self::Missing });
        };
        let live = &pair.live.columns[place];
        let (before, after) = (quoted(&live.name), quoted(&column.name));
        if fits(column.column_type, &live.declared, pair.live.is_strict) {
            let misfit = (!pair.live.is_strict).then(|| misfit(column.column_type, &before));
            return Ok(Self::Live { before, after, misfit });
        }
        Ok(match conversion(&live.declared, column.column_type, &before) {
            Some(conversion) => Self::Live {
                before: (conversion.value)(&before),
                after: (conversion.value)(&after),
                misfit: None,
            },
            // The step that changes the type says so.
            None => Self::Live { before, after, misfit: None },
        })
    }
}

/// `CREATE TABLE` without `IF NOT EXISTS`: a plan is made from what is there.
pub(super) fn plain(create_table: &str) -> String {
    create_table.replacen("IF NOT EXISTS ", "", 1)
}

pub(super) fn quoted(name: &str) -> String {
    let mut sql = String::new();
    storehouse_sql::Dialect::Sqlite.push_identifier(&mut sql, name);
    sql
}
