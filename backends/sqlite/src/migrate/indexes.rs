//! What becomes of a table's indexes, and of the constraints that keep its values unique.

use storehouse_runtime::{
    IndexDef, MigrationStepKind, Result,
    migration::{IndexChange, LiveIndex, match_indexes},
};

use super::{
    planner::{Pair, Planner, quoted},
    rebuild::{Rebuild, Source},
};
use crate::ddl::{self, live::full_name};

impl Planner<'_> {
    /// Drops the indexes that are in the way, and gives those that are to be created.
    pub(super) fn indexes<'i>(
        &mut self,
        pair: &Pair<'_>,
        indexes: &'i [IndexDef],
        live_columns: &[&str],
    ) -> Vec<&'i IndexDef> {
        let schema = pair.definition.schema.as_ref();
        let bare = |name: &str| match schema {
            Some(schema) => {
                let bare = name.strip_prefix(&**schema).and_then(|rest| rest.strip_prefix('.'));
                bare.unwrap_or(name).to_owned()
            }
            None => name.to_owned(),
        };
        let mut live: Vec<(&String, LiveIndex)> = (pair.live.indexes.iter())
            .filter(|(_, index)| !index.is_key)
            .map(|(name, index)| {
                let columns = index.columns.clone();
                let bare = bare(name);
                let is_so_by_definition = |index: &IndexDef| {
                    index.name == bare && ddl::leaves_out_nulls(pair.definition, index)
                };
                let whole = !index.is_partial || indexes.iter().any(is_so_by_definition);
                (name, LiveIndex { name: bare, columns, unique: index.is_unique, whole })
            })
            .collect();
        live.sort_by_key(|(name, _)| *name);
        let (names, live): (Vec<&String>, Vec<LiveIndex>) = live.into_iter().unzip();
        let live_table = bare(&pair.live_name);
        let changes = match_indexes(indexes, &live_table, live_columns, &pair.columns, &live);
        let mut creations = Vec::new();
        for change in changes {
            match change {
                IndexChange::Drop { live: place, derived } => {
                    self.drop_index(pair, names[place], &live[place], derived);
                }
                // An index cannot be given another name.
                IndexChange::Rename { live: place, defined } => {
                    let (from, to) = (names[place], full_name(pair.definition, &indexes[defined]));
                    let step = pair
                        .step(MigrationStepKind::RenameIndex { from: from.clone(), to: to.clone() })
                        .difference(format!("index `{to}` is called `{from}`"))
                        .sql(format!("DROP INDEX {}", quoted(from)))
                        .sql(ddl::create_index(pair.definition, &indexes[defined]));
                    self.push(step);
                }
                IndexChange::Create { defined } => creations.push(&indexes[defined]),
                _ => {}
            }
        }
        creations
    }

    pub(super) fn drop_index(
        &mut self,
        pair: &Pair<'_>,
        name: &str,
        index: &LiveIndex,
        derived: bool,
    ) {
        // One that belongs to a constraint goes when the table is written anew.
        if is_of_constraint(name) {
            return;
        }
        let mut step = pair
            .step(MigrationStepKind::DropIndex { index: name.to_owned() })
            .difference(format!("index `{name}` is not in the definition"))
            .sql(format!("DROP INDEX {}", quoted(name)));
        if index.unique && !derived {
            step = step.destructive("somebody made it by hand, and it keeps values unique");
        }
        self.push(step);
    }

    pub(super) fn create_index(&mut self, pair: &Pair<'_>, index: &IndexDef) -> Result<()> {
        let name = full_name(pair.definition, index);
        let mut step = pair
            .step(MigrationStepKind::CreateIndex { index: name.clone() })
            .difference(format!("index `{name}` is missing or another"))
            .sql(ddl::create_index(pair.definition, index));
        if index.unique {
            let columns: Vec<&str> = index
                .columns
                .iter()
                .map(|&column| &*pair.definition.columns[column].name)
                .collect();
            let columns = columns.join(", ");
            step = step.may_fail(format!("when rows share a value of ({columns})"));
            let shared = self.shared(pair, &index.columns, true)?;
            if shared > 0 {
                step = step.blocked(format!(
                    "{shared} values of ({columns}) are shared by several rows; change those rows \
                     first"
                ));
            }
        }
        self.push(step);
        Ok(())
    }

    /// How many values of these columns are shared by several rows.
    pub(super) fn shared(
        &self,
        pair: &Pair<'_>,
        columns: &[usize],
        nulls_differ: bool,
    ) -> Result<i64> {
        let mut values = Vec::new();
        for &column in columns {
            match Source::of(pair, column)? {
                // All rows get a value of their own.
                Source::Generated => return Ok(0),
                Source::Live { before, .. } => values.push(before),
                // All rows get the same.
                Source::Literal(sql) if nulls_differ && sql == "NULL" => return Ok(0),
                Source::Literal(_) | Source::Missing => {}
            }
        }
        let table = quoted(&pair.live_name);
        let values: Vec<String> =
            values.into_iter().map(|value| format!("{value} COLLATE BINARY")).collect();
        let given = if nulls_differ && !values.is_empty() {
            let given: Vec<String> =
                values.iter().map(|value| format!("({value}) IS NOT NULL")).collect();
            format!(" WHERE {}", given.join(" AND "))
        } else {
            String::new()
        };
        // Without any column, all rows are one group.
        let group = if values.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", values.join(", "))
        };
        self.count(&format!(
            "SELECT count(*) FROM (SELECT count(*) AS rows FROM {table}{given}{group}) \
             WHERE rows > 1"
        ))
    }

    /// Drops the constraints of the table that keep values unique which the definition does not.
    pub(super) fn drop_constraints(&mut self, pair: &Pair<'_>, rebuild: &mut Rebuild) {
        let indexes = ddl::indexes(pair.definition);
        let is_unknown = |(name, index): &(&String, &ddl::live::LiveIndex)| {
            let wanted = |defined: &IndexDef| -> Option<Vec<&str>> {
                let names = defined.columns.iter().map(|&column| {
                    pair.columns[column].map(|place| &*pair.live.columns[place].name)
                });
                names.collect()
            };
            let is_over = |wanted: Vec<&str>| {
                index.columns.iter().map(Option::as_deref).eq(wanted.into_iter().map(Some))
            };
            is_of_constraint(name)
                && !index.is_key
                && !indexes
                    .iter()
                    .any(|defined| defined.unique && wanted(defined).is_some_and(is_over))
        };
        let mut unknown: Vec<_> = pair.live.indexes.iter().filter(is_unknown).collect();
        unknown.sort_by_key(|(name, _)| *name);
        for (name, index) in unknown {
            rebuild.is_needed = true;
            let columns: Vec<&str> = index.columns.iter().flatten().map(String::as_str).collect();
            let columns = columns.join(", ");
            let step = pair
                .step(MigrationStepKind::DropIndex { index: name.clone() })
                .difference(format!("unique ({columns}) is not in the definition"))
                .destructive("somebody made it by hand, and it keeps values unique");
            self.push(step);
        }
    }
}

/// Whether the index belongs to a constraint of its table, and so cannot be dropped alone.
fn is_of_constraint(index: &str) -> bool {
    index.starts_with("sqlite_autoindex_")
}
