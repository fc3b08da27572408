//! How a Rust value becomes a column's value and comes back.
//!
//! Decoding goes by position and straight from where the statement lives: an engine implements
//! [`ColumnSource`] over its own row, and each [`ColumnValue`] takes what it needs from it. No
//! row object is built on the way. Encoding gives owned [`Value`]s, which writes, caches, events
//! and the memory backend pass around.

mod date_time;
#[cfg(feature = "rust_decimal")]
mod decimal;
pub(crate) mod derived;
#[cfg(feature = "half")]
mod half;
mod half_precision;
#[cfg(feature = "jiff")]
mod jiff;
pub mod json;
mod lists;
pub(crate) mod mapped;
mod rows;
mod scalars;
#[cfg(feature = "time")]
mod time;
mod vector;

use std::borrow::Cow;

use uuid::Uuid;

pub use self::{
    derived::{
        AutoColumn, DescribedJson, Document, FullTextColumn, Generated, IndexedColumn, JsonField,
        KeyPart, MetadataColumn, TimestampColumn, VersionColumn, check_value,
    },
    half_precision::{f16_to_f32, f32_to_f16},
    json::JsonColumn,
    mapped::read_value,
    rows::RowRef,
    vector::{
        AnyLength, Element, ElementsAre, Exactly, F16, F32, I8, KnownLength, LengthIs, Numbers,
        VectorColumn,
    },
};
use crate::{
    column_type::ColumnType,
    decimal::DecimalValue,
    definition::{TableDef, ValueSchema},
    error::Error,
    value::Value,
};

/// A stored value that does not fit the column it was read for.
///
/// It is one pointer wide, since every value of every row is read into a result with it, and a
/// result of two words comes back in registers.
///
/// ```
/// use storehouse_runtime::DecodeError;
///
/// let error = DecodeError::new(1, "expected text, found NULL");
/// assert_eq!((error.column(), error.message()), (1, "expected text, found NULL"));
/// // It was the second of the columns 4, 7 and 2.
/// assert_eq!(error.mapped(&[4, 7, 2]).column(), 7);
/// ```
#[derive(Debug)]
pub struct DecodeError(Box<Misfit>);

const _: () = assert!(size_of::<Result<i64, DecodeError>>() <= 2 * size_of::<u64>());

#[derive(Debug)]
struct Misfit {
    column: usize,
    message: Cow<'static, str>,
}

impl DecodeError {
    /// `column` holds something else than expected.
    #[cold]
    pub fn new(column: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Misfit { column, message: message.into() }))
    }

    /// The same at another column, for what reads under numbers of its own.
    #[must_use]
    pub fn at(mut self, column: usize) -> Self {
        self.0.column = column;
        self
    }

    /// The same at `columns[column]`, for what reads some columns as 0, 1, 2 and so on. A column
    /// that is none of them stays as it is.
    #[must_use]
    pub fn mapped(mut self, columns: &[usize]) -> Self {
        if let Some(&column) = columns.get(self.0.column) {
            self.0.column = column;
        }
        self
    }

    /// What the caller of an operation gets, [`Error::Decode`] with the column's name.
    pub fn into_error(self, definition: &TableDef) -> Error {
        let column = definition.columns.get(self.0.column);
        Error::decode(column.map_or("?", |column| &column.name), self.0.message)
    }

    /// The column's position in the definition.
    pub fn column(&self) -> usize {
        self.0.column
    }

    /// What was expected and what was found.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What was expected and what was found.
    pub fn into_message(self) -> Cow<'static, str> {
        self.0.message
    }
}

/// A value that cannot be encoded, such as a JSON map whose keys are not text.
#[derive(Debug)]
pub struct EncodeError {
    /// The column's position in the definition.
    pub column: usize,
    /// What is wrong with it.
    pub message: String,
}

type Decoded<T> = Result<T, DecodeError>;

/// One row, read column by column, each by its position.
///
/// A column is read at most once, so that a source may hand over what it holds. Each method
/// fails when the stored value is of another type.
pub trait ColumnSource {
    /// Whether the column is NULL. This may be asked before the column is read.
    fn is_null(&mut self, column: usize) -> bool;
    /// Reads a truth value.
    fn read_bool(&mut self, column: usize) -> Decoded<bool>;
    /// Reads an integer of any width.
    fn read_int(&mut self, column: usize) -> Decoded<i64>;
    /// Reads a floating-point number.
    fn read_float(&mut self, column: usize) -> Decoded<f64>;
    /// Reads a decimal number.
    fn read_decimal(&mut self, column: usize) -> Decoded<DecimalValue>;
    /// Reads text.
    fn read_text(&mut self, column: usize) -> Decoded<String>;
    /// Reads bytes.
    fn read_bytes(&mut self, column: usize) -> Decoded<Vec<u8>>;
    /// Reads a UUID.
    fn read_uuid(&mut self, column: usize) -> Decoded<Uuid>;
    /// Reads a date-time, in microseconds since 1970-01-01T00:00:00.
    fn read_date_time(&mut self, column: usize) -> Decoded<i64>;
    /// Reads a date, in days since 1970-01-01.
    fn read_date(&mut self, column: usize) -> Decoded<i32>;
    /// Reads a time of day, in microseconds since midnight.
    fn read_time(&mut self, column: usize) -> Decoded<i64>;
    /// Reads a JSON document, parsed or as text, as the source has it.
    fn read_json(&mut self, column: usize) -> Decoded<JsonColumn<'_>>;
    /// Reads a list of numbers.
    fn read_float_list(&mut self, column: usize) -> Decoded<Vec<f32>>;
    /// Reads a list of half-precision numbers, each by the bits of IEEE 754's binary16.
    fn read_f16_list(&mut self, column: usize) -> Decoded<Vec<u16>>;
    /// Reads a list of 8-bit integers.
    fn read_i8_list(&mut self, column: usize) -> Decoded<Vec<i8>>;
    /// Reads a list of texts.
    fn read_text_list(&mut self, column: usize) -> Decoded<Vec<String>>;
}

/// A Rust type that a column can have.
///
/// Implemented for `bool`, `i8` to `i64`, `u8` to `u32`, `f32`, `f64`, `String`, `Vec<u8>`,
/// `Uuid`, chrono's `DateTime<Utc>`, `NaiveDateTime`, `NaiveDate` and `NaiveTime`,
/// `serde_json::Value`, `Vec<String>`, `Vec<f32>` and `Vec<i8>`, arrays of these numbers, and
/// `Option` of each. With the features of these names also for `rust_decimal::Decimal`, the date
/// and time types of jiff and of `time`, and lists of `half::f16`.
/// A type of one's own becomes one by `#[derive(TableEnum)]` or `#[derive(TableNewtype)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a column",
    label = "not a type that every backend can store",
    note = "on a type of your own write `#[derive(TableEnum)]` or `#[derive(TableNewtype)]`; on the field `#[table(embed)]`, `#[table(json)]` or `#[table(skip)]`",
    note = "columns are bool, i8 to i64, u8 to u32, f32, f64, String, Vec<u8>, Uuid, chrono date-times, serde_json::Value, Vec<f32>, Vec<i8>, Vec<String>, and Option of each; with the feature of that name also the types of `rust_decimal`, `jiff`, `time` and `half`"
)]
pub trait ColumnValue: Sized {
    /// The column's type.
    const TYPE: ColumnType;
    /// Whether the column can be NULL.
    const NULLABLE: bool = false;
    /// What the values are, where that is more than the column's type says.
    const SCHEMA: Option<ValueSchema> = None;
    /// The type without its `Option`.
    type Scalar: ColumnValue;

    /// The value to store.
    fn into_value(self) -> Value;
    /// The value to store, from a borrowed field.
    fn to_value(&self) -> Value;
    /// Reads the value back.
    fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError>;
}

/// A column type that is not an `Option`, so that it can be put into one.
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` cannot be a column",
    label = "a column has one NULL, so one `Option` is all it can hold",
    note = "use a single `Option`, or `#[table(json)]` to keep both"
)]
pub trait NotNull {}

#[diagnostic::do_not_recommend]
impl<V: ColumnValue + NotNull> ColumnValue for Option<V> {
    const TYPE: ColumnType = V::TYPE;
    const NULLABLE: bool = true;
    const SCHEMA: Option<ValueSchema> = V::SCHEMA;
    type Scalar = V;

    fn into_value(self) -> Value {
        self.map_or(Value::Null, V::into_value)
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, V::to_value)
    }

    fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
        if source.is_null(column) { Ok(None) } else { V::decode(source, column).map(Some) }
    }
}

/// A column whose values can be compared for equality.
#[diagnostic::on_unimplemented(
    message = "a column of `{Self}` cannot be compared",
    label = "JSON, lists and vectors have no equality; keep the part to filter on in a column of its own"
)]
pub trait Comparable: ColumnValue {}

/// A column whose values have an order.
#[diagnostic::on_unimplemented(
    message = "a column of `{Self}` has no order",
    label = "JSON, lists and vectors have no order; keep the part to order by in a column of its own"
)]
pub trait Ordered: Comparable {}

/// A column of text.
#[diagnostic::on_unimplemented(
    message = "a column of `{Self}` is not text",
    label = "patterns need a `String` column; use `eq`, `lt` or `between` on others"
)]
pub trait TextColumn {}

/// A column that can be NULL.
#[diagnostic::on_unimplemented(
    message = "a column of `{Self}` is never NULL",
    label = "always the same answer; remove the test, or make the field an `Option`"
)]
pub trait NullableColumn {}

/// A type that can be part of a primary key: it has equality to the bit and an order.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key",
    label = "a key needs exact equality, an order, and no NULL",
    note = "use an integer, String, Uuid, bool, Vec<u8> or a date-time"
)]
pub trait KeyColumn: ColumnValue {}

#[diagnostic::do_not_recommend]
impl<V: Comparable + NotNull> Comparable for Option<V> {}
#[diagnostic::do_not_recommend]
impl<V: Ordered + NotNull> Ordered for Option<V> {}
#[diagnostic::do_not_recommend]
impl<V: TextColumn> TextColumn for Option<V> {}
#[diagnostic::do_not_recommend]
impl<V> NullableColumn for Option<V> {}
