//! Writes a table anew where `ALTER TABLE` cannot do what is asked for.
//!
//! The order is that of <https://www.sqlite.org/lang_altertable.html#otheralter>: a new table, the
//! rows, the old table dropped, the new one renamed, and what belonged to the old one made again.

use storehouse_runtime::{MigrationStep, MigrationStepKind, Result};

use super::{
    convert::text_literal,
    planner::{Pair, Planner, plain, quoted},
    references::under_another_name,
};
use crate::{
    ddl::{self, live::full_name},
    error,
    ids::{CREATE_SEQUENCES, Ids},
};

/// What is known so far of whether a table is written anew.
#[derive(Default)]
pub(super) struct Rebuild {
    pub(super) is_needed: bool,
    /// The steps that add and drop columns, which have no SQL of their own if it is.
    pub(super) columns: Vec<MigrationStep>,
}

/// Where the values of a column come from.
pub(super) enum Source {
    /// From a column: the value before it is renamed, and after.
    Live {
        before: String,
        after: String,
        /// Which values would be refused by the new table.
        misfit: Option<String>,
    },
    /// All rows get the same.
    Literal(String),
    /// The database generates them.
    Generated,
    /// From nowhere.
    Missing,
}

impl Planner<'_> {
    /// Adds the step that writes the table anew.
    pub(super) fn rebuild(&mut self, pair: &Pair<'_>, has_rows: bool) -> Result<()> {
        let Pair { definition, name, .. } = pair;
        let new = format!("storehouse_new_{name}");
        let as_new = under_another_name(definition, &new);
        let create = plain(&ddl::create_table(&as_new));
        let mut step = MigrationStep::new(&**name, MigrationStepKind::Rebuild)
            .locks("other writers wait while its rows are copied")
            .sql(&*create);

        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for (position, column) in definition.columns.iter().enumerate() {
            let value = match Source::of(pair, position)? {
                Source::Live { after, misfit, .. } => {
                    let misfits = match misfit {
                        Some(misfit) if has_rows => self.count_rows(pair, &misfit)?,
                        _ => 0,
                    };
                    if misfits > 0 {
                        step = step.blocked(format!(
                            "{misfits} values of column `{}` are of another type than the column; \
                             change them first",
                            column.name
                        ));
                    }
                    after
                }
                Source::Literal(value) => value,
                Source::Generated => continue,
                // There are no rows, or the step that adds the column says so.
                Source::Missing => "NULL".to_owned(),
            };
            columns.push(quoted(&column.name));
            values.push(value);
        }
        step = step.sql(format!(
            "INSERT INTO {} ({}) SELECT {} FROM {}",
            quoted(&new),
            columns.join(", "),
            values.join(", "),
            quoted(name)
        ));
        for sql in self.keep_ids(pair, &new) {
            step = step.sql(sql);
        }
        let of_scratch = |error| error::of_database(error);
        let indexes = self.scratch.belonging("index", name).map_err(of_scratch)?;
        let triggers = self.scratch.belonging("trigger", name).map_err(of_scratch)?;
        self.drops_referenced |= self.scratch.is_referenced(name).map_err(of_scratch)?;
        let lost = self.lost(pair, &create)?;
        if !lost.is_empty() {
            step = step.destructive(format!(
                "what somebody added to the table by hand is lost: {}",
                lost.join(", ")
            ));
        }
        step = step
            .sql(format!("DROP TABLE {}", quoted(name)))
            // Otherwise views and triggers that use the table would be in the way, since there is
            // none for the moment.
            .sql("PRAGMA legacy_alter_table = ON")
            .sql(format!("ALTER TABLE {} RENAME TO {}", quoted(&new), quoted(name)))
            .sql("PRAGMA legacy_alter_table = OFF");
        for (index, sql) in indexes {
            if self.fits_new(pair, &index, &sql) {
                step = step.sql(sql);
            } else {
                let kind = MigrationStepKind::DropIndex { index };
                let drop = MigrationStep::new(&**name, kind)
                    .destructive("somebody made it by hand, over a column that is dropped");
                self.steps.push(drop);
            }
        }
        for (_, sql) in triggers {
            step = step.sql(sql);
        }
        self.push(step);
        Ok(())
    }

    /// Takes the last id over, so that none is given again.
    fn keep_ids(&self, pair: &Pair<'_>, new: &str) -> Vec<String> {
        let Some(column) = pair.definition.auto_integer() else { return Vec::new() };
        let had_autoincrement = pair.live.columns.iter().any(|live| live.is_autoincrement);
        let has_sequences =
            self.scratch.sql_of("table", "storehouse_sequences").is_ok_and(|sql| sql.is_some());
        let name = text_literal(&pair.name);
        let mut known = vec![format!(
            "coalesce((SELECT max({}) FROM {}), 0)",
            quoted(&pair.definition.columns[column].name),
            quoted(new)
        )];
        if had_autoincrement {
            known.push(format!(
                "coalesce((SELECT seq FROM sqlite_sequence WHERE name = {name}), 0)"
            ));
        }
        if has_sequences {
            known.push(format!(
                "coalesce((SELECT value FROM storehouse_sequences WHERE name = {name}), 0)"
            ));
        }
        // With one argument `max` would be another function.
        known.push("0".to_owned());
        let last = format!("max({})", known.join(", "));
        match Ids::of(pair.definition) {
            Ids::Autoincrement(_) => {
                let new = text_literal(new);
                vec![
                    format!("DELETE FROM sqlite_sequence WHERE name = {new}"),
                    format!("INSERT INTO sqlite_sequence (name, seq) VALUES ({new}, {last})"),
                ]
            }
            Ids::Sequence(_) => vec![
                CREATE_SEQUENCES.to_owned(),
                format!(
                    "INSERT INTO storehouse_sequences (name, value) VALUES ({name}, {last}) \
                     ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"
                ),
            ],
            Ids::Given => Vec::new(),
        }
    }

    /// Whether an index that is there can be made on the new table too.
    fn fits_new(&self, pair: &Pair<'_>, index: &str, sql: &str) -> bool {
        let is_defined = ddl::indexes(pair.definition)
            .iter()
            .any(|defined| full_name(pair.definition, defined) == index);
        if is_defined {
            return true;
        }
        let look = "storehouse_look";
        let as_looked = under_another_name(pair.definition, look);
        // On the copy the table is dropped and made as it will be, and all of that undone.
        let create = plain(&ddl::create_table(&as_looked));
        let tried = self.scratch.connection.execute_batch(&format!(
            "SAVEPOINT look; {create}; DROP TABLE {name}; PRAGMA legacy_alter_table = ON; \
             ALTER TABLE {look} RENAME TO {name}; {sql}",
            name = quoted(&pair.name),
        ));
        let undone = self
            .scratch
            .connection
            .execute_batch("ROLLBACK TO look; RELEASE look; PRAGMA legacy_alter_table = OFF");
        tried.is_ok() && undone.is_ok()
    }

    /// What the table has that the new one will not: constraints that somebody wrote by hand.
    fn lost(&self, pair: &Pair<'_>, create: &str) -> Result<Vec<&'static str>> {
        let live = self.scratch.sql_of("table", &pair.name).map_err(error::of_database)?;
        let (live, new) = (words(&live.unwrap_or_default()), words(create));
        let count = |words: &[String], wanted: &str| {
            words.iter().filter(|word| word.as_str() == wanted).count()
        };
        let has_more = |word| count(&live, word) > count(&new, word);
        let mut lost = Vec::new();
        if has_more("CHECK") {
            lost.push("a CHECK constraint");
        }
        if has_more("GENERATED") {
            lost.push("a generated column");
        }
        if self.has_unknown_reference(pair)? {
            lost.push("a foreign key");
        }
        Ok(lost)
    }
}

/// The bare words of a statement in upper case, without what is quoted or a comment.
fn words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = sql.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\'' | '"' | '`' => while rest.next().is_some_and(|next| next != character) {},
            '[' => while rest.next().is_some_and(|next| next != ']') {},
            '-' if rest.peek() == Some(&'-') => {
                while rest.next().is_some_and(|next| next != '\n') {}
            }
            '/' if rest.peek() == Some(&'*') => {
                let mut last = ' ';
                for next in rest.by_ref() {
                    if last == '*' && next == '/' {
                        break;
                    }
                    last = next;
                }
            }
            first if first.is_alphabetic() || first == '_' => {
                let mut word = first.to_ascii_uppercase().to_string();
                while let Some(next) = rest.next_if(|next| next.is_alphanumeric() || *next == '_') {
                    word.push(next.to_ascii_uppercase());
                }
                words.push(word);
            }
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_is_neither_quoted_nor_a_comment() {
        let sql = "create TABLE \"check\" (a /* CHECK */ text, -- references\n [generated] int, \
                   b DEFAULT 'it''s check', c Check (c > 1))";
        let expected = ["CREATE", "TABLE", "A", "TEXT", "INT", "B", "DEFAULT", "C", "CHECK", "C"];
        assert_eq!(words(sql), expected);
    }
}
