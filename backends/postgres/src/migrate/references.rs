//! What becomes of a table's foreign keys.

use std::sync::Arc;

use storehouse_runtime::{MigrationStepKind, ReferenceDef, TableDef};

use super::{
    planner::{Pair, Planner, Source},
    quoted, table_name,
};
use crate::{
    ddl::{
        index_name,
        live::LiveTable,
        references::{Names, difference, push_constraint},
    },
    pool::Failure,
};

impl Planner<'_> {
    /// Adds the foreign keys that are missing, and replaces those that do something else.
    pub(super) async fn references(&mut self, pair: &Pair<'_>) -> Result<(), Failure> {
        let definition = pair.definition;
        for reference in &*definition.references {
            let place = pair.columns[reference.column];
            let live_column = place.map_or("", |place| &*pair.live.columns[place].name);
            let live = &pair.live.references;
            let (found, differences) =
                difference(live, definition, reference, live_column, Names::Previous);
            if differences.is_empty() {
                continue;
            }
            let target = reference.target(definition).full_name().into_owned();
            let column = definition.columns[reference.column].name.to_string();
            let name = index_name(&reference.name(definition));
            let kind = MigrationStepKind::ChangeReference {
                column: column.clone(),
                table: target.clone(),
            };
            let mut step = pair
                .step(kind)
                .difference(differences.join("; "))
                .may_fail(format!("when a row refers to one that is not in `{target}`"))
                .locks("writers to both tables wait while all rows are looked at");
            // One of that name that refers to something else is in the way.
            let in_the_way =
                found.or_else(|| live.iter().find(|live| live.name == name && place.is_some()));
            if let Some(in_the_way) = in_the_way {
                let clause = format!("DROP CONSTRAINT {}", quoted(&in_the_way.name));
                step = step.sql(pair.alter(&clause));
            }
            let mut clause = String::from("ADD ");
            push_constraint(&mut clause, definition, reference, self.engine.profile);
            step = step.sql(pair.alter(&clause));
            let dangling = self.dangling(pair, reference).await?;
            if dangling > 0 {
                step = step.blocked(format!(
                    "{dangling} rows refer by `{column}` to rows that are not in `{target}`; \
                     change them first"
                ));
            }
            self.steps.push(step);
        }
        Ok(())
    }

    /// Blocks the steps of a table, which begin at `first`, where a table that it refers to is
    /// neither there nor to be created.
    pub(super) async fn block_without_targets(
        &mut self,
        definition: &TableDef,
        all: &[Arc<TableDef>],
        first: usize,
    ) -> Result<(), Failure> {
        for reference in &*definition.references {
            let target = reference.target(definition);
            let is_planned = all.iter().any(|other| other.full_name() == target.full_name());
            if is_planned || reference.is_to_itself(definition) {
                continue;
            }
            let schema = target.schema.as_deref();
            if LiveTable::read(self.connection, schema, &target.name).await?.is_none()
                && let Some(step) = self.steps.get_mut(first)
            {
                step.blocked.get_or_insert_with(|| {
                    format!(
                        "it refers to table `{}`, which does not exist; add that table to the \
                         migration too",
                        target.full_name()
                    )
                });
            }
        }
        Ok(())
    }

    /// How many rows refer to rows that are not there, as far as can be told before other steps
    /// are done; PostgreSQL looks at all of them.
    async fn dangling(
        &mut self,
        pair: &Pair<'_>,
        reference: &ReferenceDef,
    ) -> Result<i64, Failure> {
        let definition = pair.definition;
        let target = reference.target(definition);
        let referenced = &target.columns[reference.referenced].name;
        // Where types change, the steps before this one bring them together.
        let changes = self.steps.iter().any(|step| {
            matches!(step.kind, MigrationStepKind::ChangeType { .. })
                && (step.table == pair.full_name || step.table == target.full_name())
        });
        let Source::Live(value) = pair.source(reference.column)? else { return Ok(0) };
        let (table, referenced) = if reference.is_to_itself(definition) {
            let Some(place) = pair.columns[reference.referenced] else { return Ok(0) };
            (pair.before.clone(), pair.live.columns[place].name.clone())
        } else {
            let schema = target.schema.as_deref();
            let live = LiveTable::read(self.connection, schema, &target.name).await?;
            let has_column = live
                .is_some_and(|live| live.columns.iter().any(|column| column.name == *referenced));
            if !has_column {
                return Ok(0);
            }
            (table_name(schema, &target.name), referenced.to_string())
        };
        if changes {
            return Ok(0);
        }
        self.count(format!(
            "SELECT count(*) FROM (SELECT {value} AS value FROM {}) AS given \
             WHERE given.value IS NOT NULL AND NOT EXISTS \
             (SELECT FROM {table} AS target WHERE target.{} = given.value)",
            pair.before,
            quoted(&referenced)
        ))
        .await
    }
}
