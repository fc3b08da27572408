//! Rows of tables that are known only at run time.
//!
//! A [`Record`] holds the values of one row beside the definition that names and checks them. The
//! handle is the same [`Tabular`](crate::Tabular) as for a derived struct; what the compiler
//! checks there is checked here when a value is read or set.

mod json;
mod key;
mod patch;

use std::{fmt, sync::Arc};

pub use self::{key::RecordKey, patch::RecordPatch};
use crate::{
    codec::{ColumnSource, ColumnValue, DecodeError, EncodeError, RowRef, read_value},
    column::Column,
    column_type::{ColumnType, VectorElement, VectorType},
    definition::{ColumnDef, TableDef},
    error::{Error, Result},
    filter::{Filter, FilterTree},
    suggest::{did_you_mean, list, shortened},
    table::{KeyOrRow, Row},
    value::{EncodedKey, EncodedRow, NewRow, Value},
};

/// A row of a table that is known only at run time: a value for each column, or none where it was
/// left out.
///
/// ```
/// use storehouse::{ColumnType, Record, TableDef, prelude::*};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let products = TableDef::builder("products")
///     .column("id", ColumnType::I64)
///     .column("sku", ColumnType::Text)
///     .column("price", ColumnType::F64)
///     .key(["id"])
///     .auto("id")
///     .build()?;
/// let price = products.column_handle::<f64>("price")?;
///
/// let store = storehouse::open("memory:").await?;
/// let table = store.tabular_of(&products).await?;
/// table.setup_database().await?;
///
/// let saved = table.put(Record::new(&products).with("sku", "A1")?.with("price", 9.5)?).await?;
/// assert_eq!(saved.get::<f64>("price")?, 9.5);
/// assert_eq!(table.query(price.lt(10.0)).await?, [saved]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Record {
    definition: Arc<TableDef>,
    values: Vec<Option<Value>>,
}

impl Record {
    /// A record in which every column is left out.
    pub fn new(definition: &Arc<TableDef>) -> Self {
        let values = vec![None; definition.columns.len()];
        Self { definition: Arc::clone(definition), values }
    }

    /// The table that it is a row of.
    pub fn definition(&self) -> &Arc<TableDef> {
        &self.definition
    }

    /// The value of a column, as the Rust type that the column has; `Option` of it where it can
    /// be NULL. An integer column is read as any integer type that its value fits.
    ///
    /// Fails with [`Error::Validation`] when there is no such column, when it has another type,
    /// and when it is NULL or was left out.
    pub fn get<V: ColumnValue>(&self, column: &str) -> Result<V> {
        let (position, definition) = named(&self.definition, column)?;
        check_readable::<V>(definition)?;
        let value = match &self.values[position] {
            Some(value) => value,
            None if V::NULLABLE => &Value::Null,
            None => {
                return Err(Error::validation(format!(
                    "column `{column}` was left out of this record; give it a value before it is \
                     read, or read it as an `Option`"
                )));
            }
        };
        if value.is_null() && !V::NULLABLE {
            return Err(Error::validation(format!(
                "column `{column}` is NULL here; read it as `Option<{}>`",
                definition.column_type.rust_name()
            )));
        }
        V::decode(&mut RowRef(std::slice::from_ref(value)), 0)
            .map_err(|error| Error::validation(format!("column `{column}`: {}", error.message())))
    }

    /// The value of a column without its Rust type; `None` when there is no such column or it was
    /// left out.
    pub fn value_of(&self, column: &str) -> Option<&Value> {
        self.values[self.definition.column(column)?].as_ref()
    }

    /// Gives a column its value.
    ///
    /// Fails with [`Error::Validation`] when there is no such column, or the value does not fit it.
    pub fn set(&mut self, column: &str, value: impl IntoRecordValue) -> Result<()> {
        let (position, definition) = named(&self.definition, column)?;
        let value = value.into_record_value();
        definition.check(&value)?;
        self.values[position] = Some(value);
        Ok(())
    }

    /// The same record with a column's value; see [`Record::set`].
    pub fn with(mut self, column: &str, value: impl IntoRecordValue) -> Result<Self> {
        self.set(column, value)?;
        Ok(self)
    }

    /// The names of the columns that have a value, and the values, in the definition's order.
    pub fn values(&self) -> impl Iterator<Item = (&str, &Value)> {
        let named = self.definition.columns.iter().zip(&self.values);
        named.filter_map(|(column, value)| Some((&*column.name, value.as_ref()?)))
    }

    /// Its key.
    ///
    /// Fails with [`Error::Validation`] when a column of the key was left out.
    pub fn key(&self) -> Result<RecordKey> {
        let values = self.definition.key.iter().map(|&column| {
            self.values[column].clone().ok_or_else(|| {
                let name = &self.definition.columns[column].name;
                Error::validation(format!("column `{name}` of the key was left out"))
            })
        });
        Ok(RecordKey(values.collect::<Result<EncodedKey>>()?))
    }
}

impl TableDef {
    /// A column for filters and orderings of records, known to have the type `V`.
    ///
    /// It is bound to this definition by its place: use it with handles of this definition only.
    ///
    /// Fails with [`Error::Validation`] when there is no such column, when it has another type,
    /// and when `V` is an `Option` and the column is never NULL.
    pub fn column_handle<V: ColumnValue>(&self, name: &str) -> Result<Column<Record, V>> {
        let (position, definition) = named(self, name)?;
        let exact = definition.column_type == V::TYPE
            || is_integer(definition.column_type) && is_integer(V::TYPE)
            || is_vector_of(definition.column_type, V::TYPE);
        if !exact {
            return Err(mistyped::<V>(definition, "be used as"));
        }
        if V::NULLABLE && !definition.nullable {
            return Err(Error::validation(format!(
                "column `{name}` is never NULL; use it as `{}`, without the `Option`",
                V::TYPE.rust_name()
            )));
        }
        Ok(Column::new(position))
    }

    /// Reads a filter of records from a JSON document; see [`Filter::from_json`].
    pub fn filter_from_json(&self, document: &serde_json::Value) -> Result<Filter<Record>> {
        FilterTree::from_json(self, document).map(Filter::from_tree)
    }
}

/// The column of that name.
fn named<'d>(table: &'d TableDef, name: &str) -> Result<(usize, &'d ColumnDef)> {
    match table.column(name) {
        Some(position) => Ok((position, &table.columns[position])),
        None => Err(unknown(table, name)),
    }
}

fn unknown(table: &TableDef, name: &str) -> Error {
    let names = || table.columns.iter().map(|column| &*column.name);
    Error::validation(format!(
        "`{}` has no column `{}`{}",
        table.name,
        shortened(name),
        did_you_mean(name, names(), || format!("; it has {}", list(names())))
    ))
}

fn check_readable<V: ColumnValue>(column: &ColumnDef) -> Result<()> {
    let found = column.column_type;
    let fits = found == V::TYPE
        || is_integer(found) && is_integer(V::TYPE)
        || (found, V::TYPE) == (ColumnType::F32, ColumnType::F64)
        || is_vector_of(found, V::TYPE);
    if fits { Ok(()) } else { Err(mistyped::<V>(column, "be read as")) }
}

fn mistyped<V: ColumnValue>(column: &ColumnDef, what: &str) -> Error {
    Error::validation(format!(
        "column `{}` holds {}; it cannot {what} {}",
        column.name,
        column.column_type.rust_name(),
        V::TYPE.rust_name()
    ))
}

const fn is_integer(column_type: ColumnType) -> bool {
    column_type.integer_range().is_some()
}

const fn is_vector_of(found: ColumnType, wanted: ColumnType) -> bool {
    matches!(
        (found, wanted),
        (ColumnType::Vector(VectorType { element: VectorElement::F32, .. }), ColumnType::FloatList)
            | (
                ColumnType::Vector(VectorType { element: VectorElement::F16, .. }),
                ColumnType::F16List
            )
            | (
                ColumnType::Vector(VectorType { element: VectorElement::I8, .. }),
                ColumnType::I8List
            )
    )
}

/// What a column of a record can be given: the type of a column, or `&str` for text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a column's value",
    label = "give the column's type, such as `f64`, `String` or `Option<i64>`"
)]
pub trait IntoRecordValue {
    /// The value.
    fn into_record_value(self) -> Value;
}

#[diagnostic::do_not_recommend]
impl<V: ColumnValue> IntoRecordValue for V {
    fn into_record_value(self) -> Value {
        self.into_value()
    }
}

#[diagnostic::do_not_recommend]
impl IntoRecordValue for &str {
    fn into_record_value(self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl Row for Record {
    type Key = RecordKey;

    fn encode(self) -> Result<EncodedRow, EncodeError> {
        let values = self.values.into_iter().enumerate();
        let present = values.map(|(column, value)| value.ok_or_else(|| left_out(column)));
        present.collect::<Result<_, _>>().map(EncodedRow)
    }

    fn decode(
        definition: &Arc<TableDef>,
        source: &mut dyn ColumnSource,
    ) -> Result<Self, DecodeError> {
        let values = (definition.columns.iter().enumerate())
            .map(|(position, column)| read_value(column.column_type, source, position).map(Some))
            .collect::<Result<_, _>>()?;
        Ok(Self { definition: Arc::clone(definition), values })
    }

    fn value(&self, column: usize) -> Result<Value, EncodeError> {
        self.values[column].clone().ok_or_else(|| left_out(column))
    }

    fn into_new_row(self) -> Result<NewRow, EncodeError> {
        Ok(NewRow::of_record(self.values, self.definition))
    }
}

fn left_out(column: usize) -> EncodeError {
    EncodeError { column, message: "it was left out of the record".to_owned() }
}

impl KeyOrRow<Record> for &Record {
    fn version(&self) -> Option<Value> {
        self.values[self.definition.managed.version?].clone()
    }

    fn into_key(self) -> Result<EncodedKey, EncodeError> {
        self.definition.key.iter().map(|&column| self.value(column)).collect()
    }
}

/// Records are equal when they have the same columns with the same values.
impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.definition.has_columns_of(&other.definition) && self.values == other.values
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.values()).finish()
    }
}

#[cfg(test)]
mod tests;
