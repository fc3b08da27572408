//! What becomes of a table's columns and of its key.

use storehouse_runtime::{MigrationStep, MigrationStepKind, Result};

use super::{
    convert::conversion,
    planner::{Pair, Planner, quoted},
    rebuild::{Rebuild, Source},
};
use crate::{
    ddl::{self, live::fits},
    ids::{CREATE_SEQUENCES, Ids},
};

impl Planner<'_> {
    /// The steps of the columns and of the key.
    pub(super) fn columns(&mut self, pair: &Pair<'_>, mut rebuild: Rebuild) -> Result<()> {
        let definition = pair.definition;
        let has_rows = !self.is_empty(&pair.live_name)?;
        for (position, place) in pair.columns.iter().enumerate() {
            match *place {
                Some(place) => self.change(pair, position, place, &mut rebuild)?,
                None => Self::add(pair, position, has_rows, &mut rebuild)?,
            }
        }
        self.key(pair, &mut rebuild)?;
        if matches!(Ids::of(definition), Ids::Sequence(_)) && !self.has_sequences() {
            let column = definition.auto_integer().unwrap_or_default();
            let column = definition.columns[column].name.to_string();
            let difference = format!("column `{column}` generates no ids");
            let step = pair.step(MigrationStepKind::GenerateIds { column }).difference(difference);
            self.push(step.sql(CREATE_SEQUENCES));
        }
        let dropped: Vec<&str> = (pair.live.columns.iter().enumerate())
            .filter(|(place, _)| !pair.columns.contains(&Some(*place)))
            .map(|(_, live)| live.name.as_str())
            .collect();
        for name in dropped {
            let step = self.drop_column(pair, name, &mut rebuild);
            rebuild.columns.push(step);
        }
        self.drop_constraints(pair, &mut rebuild);
        self.references(pair, &mut rebuild)?;
        for mut step in rebuild.columns {
            if rebuild.is_needed {
                step.sql.clear();
            }
            self.push(step);
        }
        if rebuild.is_needed {
            self.rebuild(pair, has_rows)?;
        }
        Ok(())
    }

    fn change(
        &mut self,
        pair: &Pair<'_>,
        position: usize,
        place: usize,
        rebuild: &mut Rebuild,
    ) -> Result<()> {
        let (definition, live) = (pair.definition, &pair.live.columns[place]);
        let column = &definition.columns[position];
        let (name, wanted) = (column.name.to_string(), ddl::declared_type(column.column_type));
        let before = quoted(&live.name);
        if !fits(column.column_type, &live.declared, pair.live.is_strict) {
            rebuild.is_needed = true;
            let kind = MigrationStepKind::ChangeType {
                column: name.clone(),
                from: live.declared.clone(),
                to: wanted.to_owned(),
            };
            let step = pair.step(kind).difference(format!(
                "column `{name}` has the type `{}`, not `{wanted}`",
                live.declared
            ));
            let step = match conversion(&live.declared, column.column_type, &before) {
                None => step.blocked(format!(
                    "values of `{}` do not become those of {} without loss; add a column of \
                     another name, fill it, and drop this one",
                    live.declared,
                    column.column_type.rust_name()
                )),
                Some(conversion) => match conversion.lossy {
                    None => step,
                    Some(lossy) => {
                        let lossy = self.count_rows(pair, &lossy)?;
                        let step = step.may_fail(format!("when values {}", conversion.why));
                        if lossy > 0 {
                            step.blocked(format!(
                                "{lossy} values of column `{}` {}; change them first",
                                live.name, conversion.why
                            ))
                        } else {
                            step
                        }
                    }
                },
            };
            self.push(step);
        }
        if wanted == "TEXT" && live.collation != "BINARY" {
            rebuild.is_needed = true;
            let from = live.collation.clone();
            let difference = format!("column `{name}` compares text as `{from}`, not by bytes");
            let step = pair.step(MigrationStepKind::ChangeCollation { column: name.clone(), from });
            self.push(step.difference(difference));
        }
        let is_wanted_not_null = !column.nullable || definition.key.contains(&position);
        let is_not_null = pair.live.is_not_null(live);
        if is_wanted_not_null && !is_not_null {
            rebuild.is_needed = true;
            let mut step = pair
                .step(MigrationStepKind::ForbidNull { column: name.clone() })
                .difference(format!("column `{name}` can be NULL"))
                .may_fail("when it is NULL in a row");
            let nulls = self.count_rows(pair, &format!("{before} IS NULL"))?;
            if nulls > 0 {
                step = step.blocked(format!(
                    "{nulls} rows are NULL in column `{}`; give them a value first",
                    live.name
                ));
            }
            self.push(step);
        } else if is_not_null && !is_wanted_not_null {
            rebuild.is_needed = true;
            let step = pair.step(MigrationStepKind::AllowNull { column: name.clone() });
            self.push(step.difference(format!("column `{name}` cannot be NULL")));
        }
        let is_wanted_autoincrement =
            definition.auto_integer() == Some(position) && definition.key.len() == 1;
        if live.is_autoincrement != is_wanted_autoincrement {
            rebuild.is_needed = true;
            let verb = if live.is_autoincrement { "is" } else { "is not" };
            let difference = format!("column `{name}` {verb} AUTOINCREMENT");
            let kind = if is_wanted_autoincrement {
                MigrationStepKind::GenerateIds { column: name }
            } else {
                MigrationStepKind::ChangeIds { column: name }
            };
            self.push(pair.step(kind).difference(difference));
        }
        Ok(())
    }

    fn add(pair: &Pair<'_>, position: usize, has_rows: bool, rebuild: &mut Rebuild) -> Result<()> {
        let column = &pair.definition.columns[position];
        let name = column.name.to_string();
        let declared = ddl::declared_type(column.column_type);
        let is_key = pair.definition.key.contains(&position);
        let mut sql =
            format!("ALTER TABLE {} ADD COLUMN {} {declared}", quoted(&pair.name), quoted(&name));
        if !column.nullable {
            sql.push_str(" NOT NULL");
        }
        let source = Source::of(pair, position)?;
        if let Source::Literal(value) = &source
            && value != "NULL"
        {
            sql.push_str(" DEFAULT ");
            sql.push_str(value);
        }
        let mut references =
            pair.definition.references.iter().filter(|reference| reference.column == position);
        if let Some(reference) = references.next() {
            ddl::push_target(&mut sql, pair.definition, reference);
            // SQLite adds a column that refers to something only where it is NULL.
            let is_null = matches!(&source, Source::Literal(value) if value == "NULL");
            rebuild.is_needed |= !is_null || references.next().is_some();
        }
        let mut step = pair
            .step(MigrationStepKind::AddColumn { column: name.clone() })
            .difference(format!("column `{name}` ({declared}) is missing"));
        if matches!(source, Source::Missing) {
            step = step.may_fail("when the table has rows, since the column has no default");
            if has_rows {
                step = step.blocked(format!(
                    "column `{name}` cannot be NULL and the table has rows; give it a default with \
                     `#[table(default = ..)]`, or make it an `Option`"
                ));
            }
        }
        rebuild.is_needed |= is_key;
        // Whether the table is written anew is known only after the last column.
        rebuild.columns.push(step.sql(sql));
        Ok(())
    }

    fn key(&mut self, pair: &Pair<'_>, rebuild: &mut Rebuild) -> Result<()> {
        let definition = pair.definition;
        let live = pair.live.key();
        let wanted: Vec<Option<&str>> = (definition.key.iter())
            .map(|&column| pair.columns[column].map(|place| &*pair.live.columns[place].name))
            .collect();
        if live.iter().map(|&name| Some(name)).eq(wanted.iter().copied()) {
            return Ok(());
        }
        rebuild.is_needed = true;
        let from: Vec<String> = live.iter().map(|&name| name.to_owned()).collect();
        let to: Vec<String> = (definition.key.iter())
            .map(|&column| definition.columns[column].name.to_string())
            .collect();
        let listed = to.join(", ");
        let mut step = pair
            .step(MigrationStepKind::ChangeKey { from: from.clone(), to })
            .difference(format!("the key is ({}), not ({listed})", from.join(", ")))
            .may_fail(format!("when rows share a value of ({listed})"));
        let shared = self.shared(pair, &definition.key, false)?;
        if shared > 0 {
            step = step.blocked(format!(
                "{shared} values of ({listed}) are shared by several rows; change those rows first"
            ));
        }
        self.push(step);
        Ok(())
    }

    fn drop_column(&self, pair: &Pair<'_>, name: &str, rebuild: &mut Rebuild) -> MigrationStep {
        let sql = format!("ALTER TABLE {} DROP COLUMN {}", quoted(&pair.name), quoted(name));
        // SQLite refuses where a key, an index or a view uses the column.
        let tried = self
            .scratch
            .connection
            .execute_batch(&format!("SAVEPOINT look; {sql}; ROLLBACK TO look; RELEASE look"));
        if tried.is_err() {
            let _ = self.scratch.connection.execute_batch("ROLLBACK TO look; RELEASE look");
            rebuild.is_needed = true;
        }
        pair.step(MigrationStepKind::DropColumn { column: name.to_owned() })
            .difference(format!("column `{name}` is not in the definition"))
            .destructive("its values are lost")
            .sql(sql)
    }
}
