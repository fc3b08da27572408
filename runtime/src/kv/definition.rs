//! What a key-value store holds: the types of its keys and values, and the table for both.

use std::sync::Arc;

use crate::{
    column_type::ColumnType,
    definition::TableDef,
    error::{Error, Result},
    patch::Assignment,
    value::{EncodedKey, Value},
};

/// The positions of the columns of [`KvDef::table`].
pub(super) const KEY: usize = 0;
pub(super) const VALUE: usize = 1;
pub(super) const EXPIRES_AT: usize = 2;
pub(super) const REVISION: usize = 3;

/// A key-value store as backends see it: its name, and the types of its keys and values.
///
/// ```
/// use storehouse::{ColumnType, kv::KvDef};
///
/// let settings = KvDef::new("settings", ColumnType::Text, ColumnType::Json)?;
/// assert_eq!(settings.table().columns[0].name, "key");
/// # Ok::<_, storehouse::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KvDef {
    table: Arc<TableDef>,
}

impl KvDef {
    /// A store of that name. Fails with [`Error::Validation`] when the name is none that every
    /// backend can hold, and when the types cannot be those of a key and of a value.
    pub fn new(name: impl Into<String>, key: ColumnType, value: ColumnType) -> Result<Arc<Self>> {
        let table = TableDef::builder(name)
            .description("A key-value store.")
            .column("key", key)
            .column("value", value)
            .nullable("expires_at", ColumnType::DateTime)
            .column("revision", ColumnType::I64)
            .key(["key"])
            .index(["expires_at"])
            .build()?;
        Ok(Arc::new(Self { table }))
    }

    /// The same store with a log of its changes.
    #[must_use]
    pub fn log_changes(&self) -> Arc<Self> {
        let table = TableDef { changes: true, ..TableDef::clone(&self.table) };
        Arc::new(Self { table: Arc::new(table) })
    }

    /// The store's name.
    pub fn name(&self) -> &str {
        &self.table.name
    }

    /// The type of the keys.
    pub fn key_type(&self) -> ColumnType {
        self.table.columns[KEY].column_type
    }

    /// The type of the values; JSON for what no column holds as it is.
    pub fn value_type(&self) -> ColumnType {
        self.table.columns[VALUE].column_type
    }

    /// The table that holds the store where a backend has tables: `key`, `value`, `expires_at`, NULL
    /// where the entry stays, and `revision`, another number after each write.
    pub const fn table(&self) -> &Arc<TableDef> {
        &self.table
    }

    /// The same store with values of another type.
    pub fn with_value_type(&self, value: ColumnType) -> Result<Arc<Self>> {
        let same = Self::new(self.name(), self.key_type(), value)?;
        Ok(if self.table.changes { same.log_changes() } else { same })
    }

    /// Whether both hold the same in the same way.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name() == other.name()
            && self.key_type() == other.key_type()
            && self.value_type() == other.value_type()
    }

    /// Whether a table is that of a key-value store, by its columns.
    pub fn is_table(table: &TableDef) -> bool {
        let names = ["key", "value", "expires_at", "revision"];
        table.columns.len() == names.len()
            && table.columns.iter().zip(names).all(|(column, name)| column.name == name)
            && *table.key == [KEY]
            && table.columns[EXPIRES_AT].nullable
            && table.indexes.len() == 1
            && *table.indexes[0].columns == [EXPIRES_AT]
            && !table.indexes[0].unique
    }

    /// Fails with [`Error::Validation`] when the key is none of this store.
    pub fn check_key(&self, key: &EncodedKey) -> Result<()> {
        self.table.check_key(key)
    }

    /// What an increment by `by` leaves of a value, or of none. A backend calls it that does not
    /// leave this to its database.
    ///
    /// Fails with [`Error::Validation`] when the values are no integers, and when the sum is none
    /// that the store holds.
    pub fn add(&self, value: Option<&Value>, by: i64) -> Result<i64> {
        let column = &self.table.columns[VALUE];
        let increment = Assignment::increment(VALUE, Value::Int(by));
        match increment.apply(column, value.unwrap_or(&Value::Int(0)))? {
            Value::Int(sum) if column.column_type.integer_range().is_some() => Ok(sum),
            _ => Err(Error::validation("only integers can be incremented")),
        }
    }

    /// Fails with [`Error::Validation`] when the value is none of this store.
    pub fn check_value(&self, value: &Value) -> Result<()> {
        let column = &self.table.columns[VALUE];
        if value.is_null() {
            return Err(Error::validation("a value cannot be NULL; delete the key instead"));
        }
        column.check(value)
    }
}
