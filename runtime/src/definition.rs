//! A table's definition, as data: columns, key and indexes.
//!
//! The derive emits it as constants; a table that is known only at run time builds the same
//! struct. Everything below the typed handles works from it alone.

mod builder;
mod check;
pub(crate) mod from_json;
mod from_json_schema;
pub(crate) mod json_schema;
mod managed;
mod to_json;
mod validate;
pub(crate) mod value_schema;

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use storehouse_sql::{CrudSql, Dialect, ManagedShape, Shape};

pub use self::managed::{Expected, ManagedColumns};

pub use self::{
    builder::TableBuilder,
    value_schema::{ValueSchema, Variants},
};
use crate::{column_type::ColumnType, reference::ReferenceDef, value::Value};

/// A table: its name, its columns, its key and its indexes.
#[derive(Clone, Debug)]
pub struct TableDef {
    /// The schema that the table lives in, if it names one.
    pub schema: Option<Cow<'static, str>>,
    /// The table's name.
    pub name: Cow<'static, str>,
    /// What the table is, from the struct's doc comment.
    pub description: Option<Cow<'static, str>>,
    /// The columns, in the order in which rows are encoded and decoded.
    pub columns: Cow<'static, [ColumnDef]>,
    /// Positions of the key's columns, in key order; never empty.
    pub key: Cow<'static, [usize]>,
    /// Position of the key column that the store generates, if any.
    pub auto: Option<usize>,
    /// The declared indexes.
    pub indexes: Cow<'static, [IndexDef]>,
    /// Position of the column by whose value rows are spread over servers, where a database has
    /// several; it is in the key and in every unique index.
    pub shard_by: Option<usize>,
    /// The columns that refer to other tables.
    pub references: Cow<'static, [ReferenceDef]>,
    /// The columns that the store keeps up by itself.
    pub managed: ManagedColumns,
    /// The names that the table had before, for migrations.
    pub rename_from: RenameFrom,
    /// Whether the table keeps a log of its changes, which [`Tabular::changes`](crate::Tabular::changes)
    /// reads.
    pub changes: bool,
    /// The JSON Schema that the definition was read from. What it says beyond the columns' types
    /// is in [`TableDef::json_schema`] again.
    pub given_schema: Option<Arc<serde_json::Value>>,
    /// Statements that were written when the table was derived.
    pub sql: DerivedSql,
}

/// One column.
#[derive(Clone, Debug)]
pub struct ColumnDef {
    /// The column's name.
    pub name: Cow<'static, str>,
    /// The column's type.
    pub column_type: ColumnType,
    /// Whether the column can be NULL.
    pub nullable: bool,
    /// What the column is, from the field's doc comment.
    pub description: Option<Cow<'static, str>>,
    /// The value of a column that was left out.
    pub default: Option<fn() -> Value>,
    /// What the column is for, beyond storing a value.
    pub role: ColumnRole,
    /// What the values are, where that is more than the column's type says: the variants of an
    /// enum, a check, the JSON Schema that `json(schema)` asks for.
    pub json_schema: Option<ValueSchema>,
    /// The names that the column had before, for migrations.
    pub rename_from: RenameFrom,
}

/// The names that a table or a column had before, the latest first.
pub type RenameFrom = Cow<'static, [Cow<'static, str>]>;

/// What a column is for, beyond storing a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnRole {
    /// Nothing beyond.
    #[default]
    Plain,
    /// Full-text search.
    Text,
    /// The metadata that belongs to a vector.
    Metadata,
}

/// One index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexDef {
    /// The index's name.
    pub name: Cow<'static, str>,
    /// Positions of the indexed columns.
    pub columns: Cow<'static, [usize]>,
    /// Whether no two rows may share these values.
    pub unique: bool,
}

/// Statements that were written when the table was derived, one set for each SQL dialect whose
/// feature was on.
#[derive(Clone, Debug, Default)]
pub struct DerivedSql {
    /// PostgreSQL's statements.
    pub postgres: Option<&'static CrudSql>,
    /// SQLite's statements.
    pub sqlite: Option<&'static CrudSql>,
}

/// Whether two lists name the same columns, in whatever order; neither names one twice.
pub(crate) fn same_columns(left: &[usize], right: &[usize]) -> bool {
    left.len() == right.len() && left.iter().all(|column| right.contains(column))
}

impl TableDef {
    /// The table's name with its schema, for messages.
    pub fn full_name(&self) -> Cow<'_, str> {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name).into(),
            None => Cow::Borrowed(&self.name),
        }
    }

    /// The position of the column of that name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The integer column of the key that the store generates, if there is one.
    pub fn auto_integer(&self) -> Option<usize> {
        self.auto.filter(|&column| self.columns[column].column_type.integer_range().is_some())
    }

    /// The statements in `dialect`: those of the derive where they fit, else newly written.
    pub fn crud(&self, dialect: Dialect) -> Cow<'static, CrudSql> {
        let derived = match dialect {
            Dialect::Postgres => self.sql.postgres,
            Dialect::Sqlite => self.sql.sqlite,
            _ => None,
        };
        match derived {
            Some(derived) => Cow::Borrowed(derived),
            None => Cow::Owned(self.with_shape(|shape| shape.crud(dialect))),
        }
    }

    /// Calls `body` with the names that statements are made of.
    pub fn with_shape<R>(&self, body: impl FnOnce(&Shape<'_>) -> R) -> R {
        let columns: Vec<&str> = self.columns.iter().map(|column| &*column.name).collect();
        body(&Shape {
            schema: self.schema.as_deref(),
            table: &self.name,
            columns: &columns,
            key: &self.key,
            managed: ManagedShape {
                created_at: self.managed.created_at,
                version: self.managed.version,
            },
        })
    }

    /// The same table under another name.
    ///
    /// The statements of the derive carry the old name, so they are written anew when needed;
    /// index names begin with the new one, since most databases want them unique. The names that
    /// the table had before were another's.
    #[must_use]
    pub fn renamed(&self, name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        let rename = |index: &IndexDef| {
            let rest = index.name.strip_prefix(&*self.name).unwrap_or(&index.name);
            IndexDef { name: format!("{name}{rest}").into(), ..index.clone() }
        };
        Self {
            indexes: self.indexes.iter().map(rename).collect(),
            shard_by: self.shard_by,
            references: (self.references.iter()).map(|reference| reference.renamed(self)).collect(),
            rename_from: Cow::Borrowed(&[]),
            sql: DerivedSql::default(),
            name,
            ..self.clone()
        }
    }
}

/// Holds a definition that is made on first use; the derive emits one as a `static`.
#[doc(hidden)]
pub struct DefinitionCell(OnceLock<Arc<TableDef>>);

impl DefinitionCell {
    /// An empty cell.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The definition, made on the first call.
    pub fn get(&self, make: fn() -> TableDef) -> &Arc<TableDef> {
        self.0.get_or_init(|| Arc::new(make()))
    }
}

impl Default for DefinitionCell {
    fn default() -> Self {
        Self::new()
    }
}
