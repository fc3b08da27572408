//! Definitions that are put together at run time.

use std::sync::Arc;

use storehouse_sql::free_index_name;

use super::{ColumnDef, ColumnRole, DerivedSql, IndexDef, ManagedColumns, RenameFrom, TableDef};
use crate::{
    column_type::ColumnType,
    error::{Error, Result},
    suggest::{did_you_mean, list, shortened},
};

/// Puts a table's definition together, column by column; from [`TableDef::builder`].
///
/// ```
/// use storehouse::{ColumnType, TableDef};
///
/// let products = TableDef::builder("products")
///     .column("id", ColumnType::I64)
///     .column("sku", ColumnType::Text)
///     .column("price", ColumnType::F64)
///     .nullable("note", ColumnType::Text)
///     .key(["id"])
///     .auto("id")
///     .unique(["sku"])
///     .build()?;
/// assert_eq!(products.columns.len(), 4);
/// # Ok::<_, storehouse::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder makes nothing until `build()` is called"]
pub struct TableBuilder {
    name: String,
    schema: Option<String>,
    description: Option<String>,
    pub(super) columns: Vec<ColumnDef>,
    pub(super) given_schema: Option<Arc<serde_json::Value>>,
    key: Vec<String>,
    auto: Option<String>,
    indexes: Vec<(Vec<String>, bool)>,
    changes: bool,
}

impl TableDef {
    /// Begins a definition of that name without columns.
    pub fn builder(name: impl Into<String>) -> TableBuilder {
        TableBuilder {
            name: name.into(),
            schema: None,
            description: None,
            columns: Vec::new(),
            given_schema: None,
            key: Vec::new(),
            auto: None,
            indexes: Vec::new(),
            changes: false,
        }
    }
}

impl ColumnDef {
    /// A column that is never NULL, and nothing beyond that.
    pub fn new(name: impl Into<String>, column_type: ColumnType) -> Self {
        Self {
            name: name.into().into(),
            column_type,
            nullable: false,
            description: None,
            default: None,
            role: ColumnRole::Plain,
            json_schema: None,
            rename_from: RenameFrom::default(),
        }
    }
}

impl TableBuilder {
    /// The schema that the table lives in.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// What the table is, in words.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds a column that has to be given.
    pub fn column(mut self, name: impl Into<String>, column_type: ColumnType) -> Self {
        self.columns.push(ColumnDef::new(name, column_type));
        self
    }

    /// Adds a column that can be NULL, and so may be left out.
    pub fn nullable(mut self, name: impl Into<String>, column_type: ColumnType) -> Self {
        self.columns.push(ColumnDef { nullable: true, ..ColumnDef::new(name, column_type) });
        self
    }

    /// Makes these columns the key, in this order.
    pub fn key(mut self, columns: impl IntoIterator<Item: Into<String>>) -> Self {
        self.key = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Lets the store generate this column of the key.
    pub fn auto(mut self, column: impl Into<String>) -> Self {
        self.auto = Some(column.into());
        self
    }

    /// Adds an index on these columns.
    pub fn index(mut self, columns: impl IntoIterator<Item: Into<String>>) -> Self {
        self.indexes.push((columns.into_iter().map(Into::into).collect(), false));
        self
    }

    /// Adds an index on these columns, whose values no two rows may share.
    pub fn unique(mut self, columns: impl IntoIterator<Item: Into<String>>) -> Self {
        self.indexes.push((columns.into_iter().map(Into::into).collect(), true));
        self
    }

    /// Keeps a log of the table's changes, for [`Tabular::changes`](crate::Tabular::changes).
    pub fn changes(mut self) -> Self {
        self.changes = true;
        self
    }

    /// The definition.
    ///
    /// Fails with [`Error::Validation`] when something names a column that is not there, and where
    /// [`TableDef::validate`] does.
    pub fn build(self) -> Result<Arc<TableDef>> {
        let positions = |names: &[String]| -> Result<Vec<usize>> {
            names.iter().map(|name| self.position(name)).collect()
        };
        let mut indexes: Vec<IndexDef> = Vec::new();
        for (names, unique) in &self.indexes {
            let columns: Vec<&str> = names.iter().map(String::as_str).collect();
            let is_taken = |name: &str| indexes.iter().any(|index| index.name == name);
            let name = free_index_name(&self.name, &columns, *unique, is_taken).into();
            indexes.push(IndexDef { name, columns: positions(names)?.into(), unique: *unique });
        }
        let definition = TableDef {
            key: positions(&self.key)?.into(),
            auto: self.auto.as_ref().map(|name| self.position(name)).transpose()?,
            indexes: indexes.into(),
            schema: self.schema.map(Into::into),
            name: self.name.into(),
            description: self.description.map(Into::into),
            columns: self.columns.into(),
            shard_by: None,
            references: Vec::new().into(),
            managed: ManagedColumns::NONE,
            rename_from: RenameFrom::default(),
            changes: self.changes,
            given_schema: self.given_schema,
            sql: DerivedSql::default(),
        };
        definition.validate()?;
        Ok(Arc::new(definition))
    }

    fn position(&self, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            let names = || self.columns.iter().map(|column| &*column.name);
            Error::validation(format!(
                "`{}` has no column `{}`{}",
                shortened(&self.name),
                shortened(name),
                did_you_mean(name, names(), || format!("; it has {}", list(names())))
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_builds_what_the_derive_would() {
        let table = TableDef::builder("lines")
            .schema("shop")
            .column("number", ColumnType::I32)
            .column("invoice", ColumnType::Text)
            .nullable("note", ColumnType::Text)
            .key(["invoice", "number"])
            .index(["note", "number"])
            .unique(["note"])
            .build()
            .unwrap();
        assert_eq!(*table.key, [1, 0]);
        assert_eq!(table.indexes[0].name, "lines_note_number_idx");
        assert_eq!(*table.indexes[0].columns, [2, 0]);
        assert_eq!(table.indexes[1].name, "lines_note_key");
        assert_eq!(table.full_name(), "shop.lines");
    }

    #[test]
    fn names_that_are_not_there_are_refused() {
        let builder = || TableDef::builder("t").column("id", ColumnType::I64);
        let refused = |builder: TableBuilder| builder.build().unwrap_err().to_string();
        assert!(refused(builder()).contains("no key"));
        assert!(refused(builder().key(["idd"])).contains("did you mean `id`?"));
        assert!(refused(builder().key(["id"]).index(["price"])).contains("it has `id`"));
        assert!(refused(builder().key(["id"]).auto("x")).contains("no column `x`"));
    }
}
