//! What becomes of a table's indexes.

use storehouse_runtime::{
    IndexDef, MigrationStepKind,
    migration::{IndexChange, LiveIndex, match_indexes},
};

use super::{
    planner::{Pair, Planner, Source},
    quoted, table_name,
};
use crate::{
    ddl::{self, index_name},
    pool::Failure,
};

impl Planner<'_> {
    /// Drops and renames indexes, and gives those that are to be created.
    pub(super) fn indexes<'d>(
        &mut self,
        pair: &Pair<'d>,
        live_name: &str,
        live_columns: &[&str],
    ) -> Vec<&'d IndexDef> {
        let definition = pair.definition;
        let mut live: Vec<LiveIndex> = (pair.live.indexes.iter())
            .map(|(name, index)| LiveIndex {
                name: name.clone(),
                columns: index.columns.clone(),
                unique: index.is_unique,
                whole: index.is_ready && !index.is_partial,
            })
            .collect();
        live.sort_by(|one, other| one.name.cmp(&other.name));
        let defined: Vec<IndexDef> = (definition.indexes.iter())
            .map(|index| IndexDef { name: index_name(&index.name).into(), ..index.clone() })
            .collect();
        let changes = match_indexes(&defined, live_name, live_columns, &pair.columns, &live);
        let mut creations = Vec::new();
        for change in changes {
            match change {
                IndexChange::Drop { live: place, derived } => {
                    let index = &live[place];
                    let name = &index.name;
                    let schema = definition.schema.as_deref();
                    let sql = if pair.constraints.iter().any(|(constraint, _)| constraint == name) {
                        pair.alter(&format!("DROP CONSTRAINT {}", quoted(name)))
                    } else {
                        format!("DROP INDEX {}", table_name(schema, name))
                    };
                    let mut step = pair
                        .step(MigrationStepKind::DropIndex { index: name.clone() })
                        .difference(format!("index `{name}` is not in the definition"))
                        .sql(sql);
                    if index.unique && !derived {
                        step = step
                            .destructive("somebody made it by hand, and it keeps values unique");
                    }
                    self.steps.push(step);
                }
                IndexChange::Rename { live: place, defined: index } => {
                    let (from, to) = (live[place].name.clone(), defined[index].name.to_string());
                    let schema = definition.schema.as_deref();
                    let sql = format!(
                        "ALTER INDEX {} RENAME TO {}",
                        table_name(schema, &from),
                        quoted(&to)
                    );
                    let difference = format!("index `{to}` is called `{from}`");
                    let step = pair.step(MigrationStepKind::RenameIndex { from, to });
                    self.steps.push(step.difference(difference).sql(sql));
                }
                IndexChange::Create { defined } => creations.push(&definition.indexes[defined]),
                _ => {}
            }
        }
        creations
    }

    pub(super) async fn create_index(
        &mut self,
        pair: &Pair<'_>,
        index: &IndexDef,
    ) -> Result<(), Failure> {
        let name = index_name(&index.name);
        let mut step = pair
            .step(MigrationStepKind::CreateIndex { index: name.clone() })
            .difference(format!("index `{name}` is missing or another"))
            .locks("writers wait while it is built")
            .sql(ddl::create_index(pair.definition, index, self.engine.profile));
        if index.unique {
            let columns = pair.names(&index.columns);
            step = step.may_fail(format!("when rows share a value of ({columns})"));
            let shared = self.shared(pair, &index.columns, true).await?;
            if shared > 0 {
                step = step.blocked(format!(
                    "{shared} values of ({columns}) are shared by several rows; change those rows \
                     first"
                ));
            }
        }
        self.steps.push(step);
        Ok(())
    }

    /// How many values of these columns are shared by several rows.
    pub(super) async fn shared(
        &mut self,
        pair: &Pair<'_>,
        columns: &[usize],
        nulls_differ: bool,
    ) -> Result<i64, Failure> {
        let mut values = Vec::new();
        for &column in columns {
            match pair.source(column)? {
                // All rows get a value of their own.
                Source::Generated => return Ok(0),
                Source::Live(value) => values.push(value),
                Source::Literal(value) if nulls_differ && value == "NULL" => return Ok(0),
                Source::Literal(_) | Source::Missing => {}
            }
        }
        // Values that cannot be converted are a matter of their own step, which says so.
        let is_converted = self.steps.iter().any(|step| {
            step.table == pair.full_name
                && step.blocked.is_some()
                && matches!(step.kind, MigrationStepKind::ChangeType { .. })
        });
        if is_converted {
            return Ok(0);
        }
        let given: Vec<String> =
            values.iter().map(|value| format!("({value}) IS NOT NULL")).collect();
        let given = if nulls_differ && !given.is_empty() {
            format!(" WHERE {}", given.join(" AND "))
        } else {
            String::new()
        };
        let group = if values.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", values.join(", "))
        };
        let table = &pair.before;
        self.count(format!(
            "SELECT count(*) FROM (SELECT 1 FROM {table}{given}{group} HAVING count(*) > 1) AS shared"
        ))
        .await
    }
}
