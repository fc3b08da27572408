//! What becomes of a table's foreign keys.

use std::sync::Arc;

use storehouse_runtime::{MigrationStepKind, ReferenceDef, ReferencedTable, Result, TableDef};

use super::{
    planner::{Pair, Planner, quoted},
    rebuild::{Rebuild, Source},
};
use crate::{ddl::live::LiveTable, error};

impl Planner<'_> {
    /// The steps of the foreign keys of columns that are there; SQLite can only write the table
    /// anew. They are looked at on the copy, where everything has its new name.
    pub(super) fn references(&mut self, pair: &Pair<'_>, rebuild: &mut Rebuild) -> Result<()> {
        let definition = pair.definition;
        let Ok(renamed) = LiveTable::read(&self.scratch.connection, &pair.name) else {
            // The step that renames it says why.
            return Ok(());
        };
        for reference in &*definition.references {
            let Some(_) = pair.columns[reference.column] else { continue };
            let differences = renamed.compare_reference(definition, reference);
            if differences.is_empty() {
                continue;
            }
            rebuild.is_needed = true;
            let target = reference.target(definition).full_name().into_owned();
            let column = definition.columns[reference.column].name.to_string();
            let kind = MigrationStepKind::ChangeReference {
                column: column.clone(),
                table: target.clone(),
            };
            let mut step = pair
                .step(kind)
                .difference(differences.join("; "))
                .may_fail(format!("when a row refers to one that is not in `{target}`"));
            let dangling = self.dangling(pair, reference)?;
            if dangling > 0 {
                step = step.blocked(format!(
                    "{dangling} rows refer by `{column}` to rows that are not in `{target}`; \
                     change them first"
                ));
            }
            self.push(step);
        }
        Ok(())
    }

    /// Blocks the steps of a table, which begin at `first`, where a table that it refers to is
    /// neither there nor to be created.
    pub(super) fn block_without_targets(
        &mut self,
        definition: &TableDef,
        all: &[Arc<TableDef>],
        first: usize,
    ) -> Result<()> {
        for reference in &*definition.references {
            let target = reference.target(definition).full_name();
            let is_planned = all.iter().any(|other| other.full_name() == target);
            if is_planned || reference.is_to_itself(definition) || self.exists(&target)? {
                continue;
            }
            if let Some(step) = self.steps.get_mut(first) {
                step.blocked.get_or_insert_with(|| {
                    format!(
                        "it refers to table `{target}`, which does not exist; add that table to the \
                         migration too"
                    )
                });
            }
        }
        Ok(())
    }

    /// How many rows refer to rows that are not there, as far as can be told before the plan is
    /// done; afterwards all of them are looked at.
    fn dangling(&self, pair: &Pair<'_>, reference: &ReferenceDef) -> Result<i64> {
        let definition = pair.definition;
        let target = reference.target(definition);
        let referenced = &target.columns[reference.referenced].name;
        let (table, referenced) = if reference.is_to_itself(definition) {
            let Some(place) = pair.columns[reference.referenced] else { return Ok(0) };
            (pair.live_name.clone(), pair.live.columns[place].name.clone())
        } else {
            let table = target.full_name().into_owned();
            if !self.exists(&table)? {
                return Ok(0);
            }
            let live = LiveTable::read(self.live, &table).map_err(error::of_database)?;
            if !live.columns.iter().any(|column| column.name == *referenced) {
                return Ok(0);
            }
            (table, referenced.to_string())
        };
        let Source::Live { before, .. } = Source::of(pair, reference.column)? else {
            return Ok(0);
        };
        self.count(&format!(
            "SELECT count(*) FROM (SELECT {before} AS value FROM {}) AS given \
             WHERE given.value IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM {} AS target WHERE target.{} = given.value)",
            quoted(&pair.live_name),
            quoted(&table),
            quoted(&referenced)
        ))
    }

    /// Whether the table has a foreign key by a column of which the definition says nothing.
    pub(super) fn has_unknown_reference(&self, pair: &Pair<'_>) -> Result<bool> {
        let columns: Vec<String> = self
            .scratch
            .connection
            .prepare("SELECT \"from\" FROM pragma_foreign_key_list(?)")
            .and_then(|mut list| list.query_map([&pair.name], |row| row.get(0))?.collect())
            .map_err(error::of_database)?;
        let is_known = |column: &String| {
            let references = pair.definition.references.iter();
            let mut known =
                references.map(|reference| &pair.definition.columns[reference.column].name);
            known.any(|known| known == column)
        };
        Ok(!columns.iter().all(is_known))
    }
}

/// The definition under the name that the table has while it is written anew. What refers to the
/// table itself refers to the name that it will have.
pub(super) fn under_another_name(definition: &TableDef, name: &str) -> TableDef {
    let mut renamed = TableDef { schema: None, name: name.to_owned().into(), ..definition.clone() };
    let own = Arc::new(definition.clone());
    for reference in renamed.references.to_mut() {
        if reference.is_to_itself(definition) {
            reference.table = ReferencedTable::Defined(Arc::clone(&own));
        }
    }
    renamed
}
