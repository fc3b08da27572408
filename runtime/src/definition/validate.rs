//! Checks a definition that was made at run time, as the derive checks a struct: a table that one
//! backend could not hold, all refuse.

use std::collections::HashSet;

use super::TableDef;
use crate::{
    column_type::ColumnType,
    error::{Error, Result},
    suggest::shortened,
};

/// The longest name that no database cuts.
const LONGEST: usize = 63;

impl TableDef {
    /// Fails with [`Error::Validation`] when a name cannot name a table or a column, when the key
    /// is missing or cannot be one, when an index is on a column that has no order, or when a
    /// managed column is of another type than it has to be.
    pub fn validate(&self) -> Result<()> {
        check_name("table", &self.name)?;
        if self.name.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("sqlite_")) {
            return refuse(format!(
                "`{}` cannot be a table's name: SQLite keeps names that begin with `sqlite_`",
                self.name
            ));
        }
        if let Some(schema) = &self.schema {
            check_name("schema", schema)?;
        }
        let mut names = HashSet::new();
        for column in self.columns.iter() {
            check_name("column", &column.name)?;
            if !names.insert(column.name.to_ascii_lowercase()) {
                return refuse(format!(
                    "`{}` has two columns called `{}`, which some databases do not tell apart \
                     even when they differ in case; rename one",
                    self.name, column.name
                ));
            }
        }
        self.validate_key()?;
        self.validate_indexes()?;
        self.validate_managed()
    }

    fn validate_key(&self) -> Result<()> {
        if self.key.is_empty() {
            return refuse(format!("`{}` has no key; say which columns are its key", self.name));
        }
        let mut seen = HashSet::new();
        for &position in self.key.iter() {
            let Some(column) = self.columns.get(position) else {
                return refuse(format!("`{}` has no column number {position}", self.name));
            };
            let name = &column.name;
            if !seen.insert(position) {
                return refuse(format!("column `{name}` is twice in the key; remove one"));
            }
            if column.nullable {
                return refuse(format!(
                    "column `{name}` is in the key, so it cannot be NULL; make it required"
                ));
            }
            if matches!(column.column_type, ColumnType::F32 | ColumnType::F64)
                || !column.column_type.is_ordered()
            {
                return refuse(format!(
                    "column `{name}` holds {}, which cannot be a key: it has no exact equality; \
                     use integers, text, UUIDs or date-times",
                    column.column_type.rust_name()
                ));
            }
        }
        let Some(auto) = self.auto else { return Ok(()) };
        let generated = |column_type| {
            matches!(
                column_type,
                ColumnType::I64
                    | ColumnType::I32
                    | ColumnType::U32
                    | ColumnType::Uuid
                    | ColumnType::Text
            )
        };
        match self.columns.get(auto) {
            Some(column) if !self.key.contains(&auto) => refuse(format!(
                "column `{}` is generated, and only keys are; put it into the key",
                column.name
            )),
            Some(column) if !generated(column.column_type) => refuse(format!(
                "column `{}` holds {}, which the store cannot generate; \
                 use i64, i32, u32, Uuid or String",
                column.name,
                column.column_type.rust_name()
            )),
            Some(_) => Ok(()),
            None => refuse(format!("`{}` has no column number {auto}", self.name)),
        }
    }

    fn validate_indexes(&self) -> Result<()> {
        let mut names = HashSet::new();
        for index in self.indexes.iter() {
            check_name("index", &index.name)?;
            if !names.insert(index.name.to_ascii_lowercase()) {
                return refuse(format!("there are two indexes called `{}`", index.name));
            }
            if index.columns.is_empty() {
                return refuse(format!("index `{}` has no columns", index.name));
            }
            let mut seen = HashSet::new();
            for &position in index.columns.iter() {
                match self.columns.get(position) {
                    None => {
                        return refuse(format!("`{}` has no column number {position}", self.name));
                    }
                    Some(column) if !column.column_type.is_ordered() => {
                        return refuse(format!(
                            "column `{}` holds {}, which has no order to index by",
                            column.name,
                            column.column_type.rust_name()
                        ));
                    }
                    Some(column) if !seen.insert(position) => {
                        return refuse(format!(
                            "column `{}` is twice in the index `{}`",
                            column.name, index.name
                        ));
                    }
                    Some(_) => {}
                }
            }
        }
        let Some(shard_by) = self.shard_by else { return Ok(()) };
        let unique = self.indexes.iter().filter(|index| index.unique);
        let spread = unique.map(|index| &index.columns).all(|columns| columns.contains(&shard_by));
        if spread && self.key.contains(&shard_by) {
            return Ok(());
        }
        refuse(format!(
            "the column that `{}` is sharded by has to be in the key and in every unique index",
            self.name
        ))
    }

    /// Whether both have the same columns, in the same places: rows of one fit the other.
    pub(crate) fn has_columns_of(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
            || self.columns.len() == other.columns.len()
                && self.columns.iter().zip(other.columns.iter()).all(|(own, other)| {
                    own.name == other.name && own.column_type == other.column_type
                })
    }
}

fn check_name(what: &str, name: &str) -> Result<()> {
    let mut characters = name.chars();
    let begins = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let goes_on = characters.all(|next| next.is_ascii_alphanumeric() || next == '_');
    if begins && goes_on && name.len() <= LONGEST {
        return Ok(());
    }
    refuse(format!(
        "`{}` cannot be a {what}'s name; use an ASCII letter or underscore, \
         then letters, digits and underscores, {LONGEST} bytes at most",
        shortened(name)
    ))
}

fn refuse<T>(message: String) -> Result<T> {
    Err(Error::validation(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_table;

    #[test]
    fn what_a_struct_could_not_be_is_refused() {
        test_table::definition().validate().unwrap();
        let refused = |change: &dyn Fn(&mut TableDef)| {
            let mut table = (*test_table::definition()).clone();
            change(&mut table);
            table.validate().unwrap_err().to_string()
        };
        assert!(refused(&|table| table.name = "a b".into()).contains("a table's name"));
        assert!(refused(&|table| table.name = "SQLITE_x".into()).contains("SQLite keeps"));
        assert!(refused(&|table| table.schema = Some("".into())).contains("a schema's name"));
        let rename = |table: &mut TableDef, name: &'static str| {
            table.columns.to_mut()[2].name = name.into();
        };
        assert!(refused(&|table| rename(table, "1x")).contains("a column's name"));
        assert!(refused(&|table| rename(table, "SKU")).contains("two columns"));
        assert!(refused(&|table| table.key = vec![].into()).contains("no key"));
        assert!(refused(&|table| table.key = vec![9].into()).contains("number 9"));
        assert!(refused(&|table| table.key = vec![0, 0].into()).contains("twice in the key"));
        assert!(refused(&|table| table.key = vec![2].into()).contains("cannot be a key"));
        assert!(refused(&|table| table.key = vec![3].into()).contains("cannot be NULL"));
        assert!(refused(&|table| table.key = vec![1].into()).contains("put it into the key"));
        let boolean = |table: &mut TableDef| {
            table.columns.to_mut()[0].column_type = ColumnType::Bool;
        };
        assert!(refused(&boolean).contains("cannot generate"));
        assert!(
            refused(&|table| table.indexes.to_mut()[0].columns = vec![].into())
                .contains("no columns")
        );
        let list = |table: &mut TableDef| {
            table.columns.to_mut()[2].column_type = ColumnType::TextList;
        };
        assert!(refused(&list).contains("no order to index by"));
        assert!(refused(&|table| table.shard_by = Some(1)).contains("sharded"));
        let same = |table: &mut TableDef| {
            let first = table.indexes[0].clone();
            table.indexes.to_mut().push(first);
        };
        assert!(refused(&same).contains("two indexes"));
    }
}
