//! What becomes of a table's columns, of its key and of its generated ids.

use storehouse_runtime::MigrationStepKind;

use super::{
    convert::conversion,
    planner::{Pair, Planner, Source},
    quoted,
};
use crate::{
    ddl::{self, Order},
    pool::Failure,
    types::declared,
};

impl Planner<'_> {
    pub(super) fn add_columns(&mut self, pair: &Pair<'_>) -> Result<(), Failure> {
        for (position, column) in pair.definition.columns.iter().enumerate() {
            if pair.columns[position].is_some() {
                continue;
            }
            let name = column.name.to_string();
            let declared = declared(column.column_type, pair.pgvector);
            let mut clause = String::from("ADD COLUMN ");
            ddl::push_column(
                &mut clause,
                pair.definition,
                position,
                pair.pgvector,
                self.engine.profile,
            );
            let source = pair.source(position)?;
            let mut default = false;
            if let Source::Literal(value) = &source
                && value != "NULL"
            {
                clause.push_str(" DEFAULT ");
                clause.push_str(value);
                default = true;
            }
            let mut step = pair
                .step(MigrationStepKind::AddColumn { column: name.clone() })
                .difference(format!("column `{name}` ({declared}) is missing"))
                .sql(pair.alter(&clause));
            if default {
                // It was for the rows that are there; what is written later brings its own.
                let clause = format!("ALTER COLUMN {} DROP DEFAULT", quoted(&name));
                step = step.sql(pair.alter(&clause));
            }
            if matches!(source, Source::Generated) {
                step = step.locks("others wait while the table is written anew");
            }
            if matches!(source, Source::Missing) {
                step = step.may_fail("when the table has rows, since the column has no default");
                if pair.has_rows {
                    step = step.blocked(format!(
                        "column `{name}` cannot be NULL and the table has rows; give it a default \
                         with `#[table(default = ..)]`, or make it an `Option`"
                    ));
                }
            }
            self.steps.push(step);
        }
        Ok(())
    }

    pub(super) async fn change_columns(&mut self, pair: &Pair<'_>) -> Result<(), Failure> {
        for (position, column) in pair.definition.columns.iter().enumerate() {
            let Some(place) = pair.columns[position] else { continue };
            let live = &pair.live.columns[place];
            let (before, after) = (quoted(&live.name), quoted(&column.name));
            let name = column.name.to_string();
            let wanted = declared(column.column_type, pair.pgvector);
            let collation = ddl::live::other_collation(column, live);
            let is_other_type = !ddl::live::fits(column.column_type, &wanted, &live.declared);
            if is_other_type || collation.is_some() {
                let kind = match collation {
                    Some(collation) if !is_other_type => MigrationStepKind::ChangeCollation {
                        column: name.clone(),
                        from: collation.clone(),
                    },
                    _ => MigrationStepKind::ChangeType {
                        column: name.clone(),
                        from: live.declared.clone(),
                        to: wanted.to_string(),
                    },
                };
                let difference = match &kind {
                    MigrationStepKind::ChangeCollation { from, .. } => {
                        format!("column `{name}` compares text as `{from}`, not by bytes")
                    }
                    _ => {
                        format!("column `{name}` has the type `{}`, not `{wanted}`", live.declared)
                    }
                };
                let mut step = pair
                    .step(kind)
                    .difference(difference)
                    .locks("others wait while the table is written anew");
                match conversion(&live.declared, column.column_type, &before) {
                    None => {
                        step = step.blocked(format!(
                            "values of `{}` do not become those of {} without loss; add a column \
                             of another name, fill it, and drop this one",
                            live.declared,
                            column.column_type.rust_name()
                        ));
                    }
                    Some(conversion) => {
                        let collate = ddl::collation(column.column_type, self.engine.profile);
                        let using = (conversion.using)(&after, &wanted);
                        step = step.sql(pair.alter(&format!(
                            "ALTER COLUMN {after} TYPE {wanted}{collate} USING {using}"
                        )));
                        if let Some(lossy) = conversion.lossy {
                            step = step.may_fail(format!("when values {}", conversion.why));
                            let lossy = self.count_rows(pair, &lossy).await?;
                            if lossy > 0 {
                                step = step.blocked(format!(
                                    "{lossy} values of column `{}` {}; change them first",
                                    live.name, conversion.why
                                ));
                            }
                        }
                    }
                }
                self.steps.push(step);
            }
            if !live.is_not_null && pair.is_wanted_not_null(position) {
                let mut step = pair
                    .step(MigrationStepKind::ForbidNull { column: name.clone() })
                    .difference(format!("column `{name}` can be NULL"))
                    .may_fail("when it is NULL in a row")
                    .locks("others wait while all rows are looked at")
                    .sql(pair.alter(&format!("ALTER COLUMN {after} SET NOT NULL")));
                let nulls = self.count_rows(pair, &format!("{before} IS NULL")).await?;
                if nulls > 0 {
                    step = step.blocked(format!(
                        "{nulls} rows are NULL in column `{}`; give them a value first",
                        live.name
                    ));
                }
                self.steps.push(step);
            }
        }
        Ok(())
    }

    pub(super) async fn key(&mut self, pair: &Pair<'_>) -> Result<(), Failure> {
        let definition = pair.definition;
        let wanted: Vec<Option<&str>> = (definition.key.iter())
            .map(|&column| pair.columns[column].map(|place| &*pair.live.columns[place].name))
            .collect();
        if pair.live.key.iter().map(|name| Some(name.as_str())).eq(wanted) {
            return Ok(());
        }
        let listed = pair.names(&definition.key);
        let kind = MigrationStepKind::ChangeKey {
            from: pair.live.key.clone(),
            to: definition
                .key
                .iter()
                .map(|&column| definition.columns[column].name.to_string())
                .collect(),
        };
        let mut step = pair
            .step(kind)
            .difference(format!("the key is ({}), not ({listed})", pair.live.key.join(", ")))
            .may_fail(format!("when rows share a value of ({listed})"))
            .locks("others wait while its index is built");
        for (name, _) in pair.constraints.iter().filter(|(_, is_key)| *is_key) {
            step = step.sql(pair.alter(&format!("DROP CONSTRAINT {}", quoted(name))));
        }
        let mut clause = String::from("ADD PRIMARY KEY (");
        ddl::push_columns(
            &mut clause,
            definition,
            &definition.key,
            Order::Key(self.engine.profile),
        );
        clause.push(')');
        step = step.sql(pair.alter(&clause));
        let shared = self.shared(pair, &definition.key, false).await?;
        if shared > 0 {
            step = step.blocked(format!(
                "{shared} values of ({listed}) are shared by several rows; change those rows first"
            ));
        }
        self.steps.push(step);
        Ok(())
    }

    /// After the key and the ids, whose columns cannot be NULL.
    pub(super) fn allow_null(&mut self, pair: &Pair<'_>) {
        for (position, column) in pair.definition.columns.iter().enumerate() {
            let Some(place) = pair.columns[position] else { continue };
            if pair.live.columns[place].is_not_null && !pair.is_wanted_not_null(position) {
                let clause = format!("ALTER COLUMN {} DROP NOT NULL", quoted(&column.name));
                let step = pair
                    .step(MigrationStepKind::AllowNull { column: column.name.to_string() })
                    .difference(format!("column `{}` cannot be NULL", column.name))
                    .sql(pair.alter(&clause));
                self.steps.push(step);
            }
        }
    }

    pub(super) fn ids(&mut self, pair: &Pair<'_>) {
        let definition = pair.definition;
        for (position, column) in definition.columns.iter().enumerate() {
            let Some(place) = pair.columns[position] else { continue };
            let live = &pair.live.columns[place];
            let (name, quoted_name) = (column.name.to_string(), quoted(&column.name));
            let ids = pair.ids.get(&live.name);
            let is_auto = definition.auto_integer() == Some(position);
            let greatest = column.column_type.integer_range().map_or(i64::MAX, |(_, last)| last);
            match ids {
                None if is_auto => {
                    let clause = format!(
                        "ALTER COLUMN {quoted_name} ADD GENERATED BY DEFAULT AS IDENTITY{}",
                        ddl::greatest_id(column)
                    );
                    let table = &pair.after;
                    let step = pair
                        .step(MigrationStepKind::GenerateIds { column: name.clone() })
                        .difference(format!("column `{name}` generates no ids"))
                        .sql(pair.alter(&clause))
                        .sql(format!(
                            "SELECT setval(pg_get_serial_sequence('{table}', '{name}'), \
                             max({quoted_name})) FROM {table} HAVING max({quoted_name}) > 0"
                        ));
                    self.steps.push(step);
                }
                Some(ids) if ids.is_identity && !is_auto => {
                    let clause = format!("ALTER COLUMN {quoted_name} DROP IDENTITY");
                    let step = pair
                        .step(MigrationStepKind::ChangeIds { column: name.clone() })
                        .difference(format!("column `{name}` generates ids"))
                        .sql(pair.alter(&clause));
                    self.steps.push(step);
                }
                Some(ids) if ids.is_identity && is_auto && ids.greatest < greatest => {
                    let clause = format!("ALTER COLUMN {quoted_name} SET MAXVALUE {greatest}");
                    let step = pair
                        .step(MigrationStepKind::ChangeIds { column: name.clone() })
                        .difference(format!(
                            "column `{name}` generates ids up to {}, not {greatest}",
                            ids.greatest
                        ))
                        .sql(pair.alter(&clause));
                    self.steps.push(step);
                }
                _ => {}
            }
        }
    }

    pub(super) fn drop_columns(&mut self, pair: &Pair<'_>) {
        for (place, live) in pair.live.columns.iter().enumerate() {
            if pair.columns.contains(&Some(place)) {
                continue;
            }
            let name = &live.name;
            let uses = |index: &ddl::live::LiveIndex| {
                index.columns.iter().any(|column| column.as_deref() == Some(name))
            };
            let is_dropped = |index: &str| {
                let dropped = MigrationStepKind::DropIndex { index: index.to_owned() };
                self.steps.iter().any(|step| step.kind == dropped)
            };
            let mut indexes: Vec<&str> = (pair.live.indexes.iter())
                .filter(|(index, live)| uses(live) && !is_dropped(index))
                .map(|(index, _)| index.as_str())
                .collect();
            indexes.sort_unstable();
            let mut lost = "its values are lost".to_owned();
            if !indexes.is_empty() {
                lost.push_str(", and with them index ");
                lost.push_str(&indexes.join(", "));
            }
            let step = pair
                .step(MigrationStepKind::DropColumn { column: name.clone() })
                .difference(format!("column `{name}` is not in the definition"))
                .destructive(lost)
                .sql(pair.alter(&format!("DROP COLUMN {}", quoted(name))));
            self.steps.push(step);
        }
    }
}
