//! A column's value when its Rust type is not at hand: what encoded rows, filters, keys and the
//! memory backend are made of.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
    sync::Arc,
};

use smallvec::SmallVec;
use uuid::Uuid;

use crate::{decimal::DecimalValue, definition::TableDef};

/// One value of one column.
///
/// Several column types share a variant: every integer type is [`Value::Int`], `f32` widens to
/// [`Value::Float`] without loss. Values of one column are always of one variant, or NULL.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// SQL's NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// Any integer up to 64 bits, signed.
    Int(i64),
    /// A floating-point number; never NaN.
    Float(f64),
    /// Text without NUL characters.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID.
    Uuid(Uuid),
    /// Microseconds since 1970-01-01T00:00:00, in UTC or in local time as the column says.
    DateTime(i64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// A JSON document.
    Json(serde_json::Value),
    /// A list of numbers, and vectors of them.
    FloatList(Vec<f32>),
    /// A list of texts.
    TextList(Vec<String>),
    /// A decimal number.
    Decimal(DecimalValue),
    /// A list of half-precision numbers, and vectors of them: each by the bits of IEEE 754's binary16.
    F16List(Vec<u16>),
    /// A list of 8-bit integers, and vectors of them.
    I8List(Vec<i8>),
}

impl Value {
    /// Whether this is NULL.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The variant's name, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a floating-point number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Uuid(_) => "a UUID",
            Self::DateTime(_) => "a date-time",
            Self::Date(_) => "a date",
            Self::Time(_) => "a time of day",
            Self::Json(_) => "JSON",
            Self::FloatList(_) => "a list of numbers",
            Self::TextList(_) => "a list of texts",
            Self::Decimal(_) => "a decimal number",
            Self::F16List(_) => "a list of half-precision numbers",
            Self::I8List(_) => "a list of 8-bit integers",
        }
    }

    /// The order that every backend sorts by: NULL first, numbers by value, text and bytes by
    /// their bytes.
    ///
    /// Values of different variants never meet in one column; between them the order is that of
    /// the variants, so that this is a total order.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b))
            | (Self::DateTime(a), Self::DateTime(b))
            | (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            // NaN is refused on the way in; 0.0 and -0.0 are equal, as in SQL.
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Uuid(a), Self::Uuid(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::FloatList(a), Self::FloatList(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::TextList(a), Self::TextList(b)) => a.cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            // Lists have no order, so any does.
            (Self::F16List(a), Self::F16List(b)) => a.cmp(b),
            (Self::I8List(a), Self::I8List(b)) => a.cmp(b),
            (Self::Json(a), Self::Json(b)) => a.to_string().cmp(&b.to_string()),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) => 2,
            Self::Float(_) => 3,
            Self::Text(_) => 4,
            Self::Bytes(_) => 5,
            Self::Uuid(_) => 6,
            Self::DateTime(_) => 7,
            Self::Date(_) => 8,
            Self::Time(_) => 9,
            Self::Json(_) => 10,
            Self::FloatList(_) => 11,
            Self::TextList(_) => 12,
            Self::Decimal(_) => 13,
            Self::F16List(_) => 14,
            Self::I8List(_) => 15,
        }
    }
}

/// A primary key's values, in key order, when the key's Rust type is not at hand.
///
/// Equality, order and hash are those of [`Value::compare`], so that a key can be looked up in a
/// map. A key of one column needs no memory of its own.
#[derive(Clone, Debug)]
pub struct EncodedKey(pub(crate) KeyValues);

/// The values of a key or of a place in an index.
pub(crate) type KeyValues = SmallVec<[Value; 1]>;

impl EncodedKey {
    /// The key of one column.
    pub fn single(value: Value) -> Self {
        Self(SmallVec::from_buf([value]))
    }

    /// The values, in key order.
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    /// The values, in key order.
    pub fn into_values(self) -> Vec<Value> {
        self.0.into_vec()
    }
}

impl FromIterator<Value> for EncodedKey {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl From<Vec<Value>> for EncodedKey {
    fn from(values: Vec<Value>) -> Self {
        Self(values.into())
    }
}

impl Ord for EncodedKey {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_slices(&self.0, &other.0)
    }
}

impl PartialOrd for EncodedKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for EncodedKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for EncodedKey {}

impl Hash for EncodedKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|value| value.hash(state));
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Bool(value) => value.hash(state),
            Self::Int(value) | Self::DateTime(value) | Self::Time(value) => value.hash(state),
            Self::Text(value) => value.hash(state),
            Self::Bytes(value) => value.hash(state),
            Self::Uuid(value) => value.hash(state),
            Self::Date(value) => value.hash(state),
            Self::Decimal(value) => value.hash(state),
            // No key column has these types; equal values still hash alike.
            _ => self.rank().hash(state),
        }
    }
}

/// Compares value by value; a shorter list comes before its own extension.
pub(crate) fn compare_slices(left: &[Value], right: &[Value]) -> Ordering {
    for (left, right) in left.iter().zip(right) {
        match left.compare(right) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    left.len().cmp(&right.len())
}

/// A row's values, one for each column, in the definition's column order.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedRow(pub Vec<Value>);

impl EncodedRow {
    /// The values of those columns, which are the key's.
    pub(crate) fn key(&self, columns: &[usize]) -> EncodedKey {
        columns.iter().map(|&column| self.0[column].clone()).collect()
    }
}

/// A row on its way in, in which a column may be left out: a default, a generated key or NULL
/// takes its place.
#[derive(Clone, Debug)]
pub struct NewRow {
    values: Vec<Option<Value>>,
    /// The table that a record was made for, which need not be the one that it is put into.
    definition: Option<Arc<TableDef>>,
}

impl NewRow {
    /// A row of `columns` columns, all left out.
    pub fn new(columns: usize) -> Self {
        Self { values: vec![None; columns], definition: None }
    }

    /// Gives one column its value.
    pub fn set(&mut self, column: usize, value: Value) {
        self.values[column] = Some(value);
    }

    /// The values, with `None` where a column was left out.
    pub fn into_values(self) -> Vec<Option<Value>> {
        self.values
    }

    pub(crate) fn of_record(values: Vec<Option<Value>>, definition: Arc<TableDef>) -> Self {
        Self { values, definition: Some(definition) }
    }

    /// The table that a record was made for; none for other rows.
    pub(crate) fn definition(&self) -> Option<&TableDef> {
        self.definition.as_deref()
    }
}

impl PartialEq for NewRow {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl From<EncodedRow> for NewRow {
    fn from(row: EncodedRow) -> Self {
        Self { values: row.0.into_iter().map(Some).collect(), definition: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_sorts_first_and_text_by_bytes() {
        assert_eq!(Value::Null.compare(&Value::Int(i64::MIN)), Ordering::Less);
        assert_eq!(Value::Text("Z".into()).compare(&Value::Text("a".into())), Ordering::Less);
        assert_eq!(Value::Text("é".into()).compare(&Value::Text("z".into())), Ordering::Greater);
        assert_eq!(Value::Float(-0.0).compare(&Value::Float(0.0)), Ordering::Equal);
    }

    #[test]
    fn a_key_comes_before_its_extension() {
        let short = EncodedKey::single(Value::Int(1));
        let long = EncodedKey::from(vec![Value::Int(1), Value::Int(0)]);
        assert!(short < long);
    }
}
