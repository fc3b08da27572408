//! Paths as a query writes them: `Product::ATTRIBUTES.path("size.width").as_i64().gt(3)`.

use std::{fmt, marker::PhantomData};

use super::{JsonPath, JsonScalar, JsonTest, JsonType};
use crate::{
    codec::{TextColumn, json::Json},
    column::NotNullOperand,
    filter::{Comparison, Filter, FilterTree},
};

/// A column of JSON documents, which a path leads into.
#[diagnostic::on_unimplemented(
    message = "a column of `{Self}` has no paths",
    label = "a path leads into JSON; compare this column itself, or mark the field `#[table(json)]`"
)]
pub trait JsonDocument {}

#[diagnostic::do_not_recommend]
impl<X> JsonDocument for Json<X> {}
#[diagnostic::do_not_recommend]
impl JsonDocument for serde_json::Value {}
#[diagnostic::do_not_recommend]
impl<V: JsonDocument> JsonDocument for Option<V> {}

/// What lies at a path in a JSON column; from [`Column::path`](crate::Column::path).
///
/// Read as a type, it is NULL where nothing is there, or something of another type, and a
/// comparison follows SQL: it is then neither true nor false. Nothing is converted: the string
/// `"5"` is no number.
pub struct AtPath<T> {
    column: usize,
    path: JsonPath,
    marker: PhantomData<fn() -> T>,
}

/// What lies at a path in a JSON column, read as a `V`; from `as_i64()` and its like.
pub struct TypedAtPath<T, V> {
    place: AtPath<T>,
    marker: PhantomData<fn() -> V>,
}

impl<T> Clone for AtPath<T> {
    fn clone(&self) -> Self {
        Self { column: self.column, path: self.path.clone(), marker: PhantomData }
    }
}

impl<T, V> Clone for TypedAtPath<T, V> {
    fn clone(&self) -> Self {
        Self { place: self.place.clone(), marker: PhantomData }
    }
}

impl<T> fmt::Debug for AtPath<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtPath")
            .field("column", &self.column)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl<T, V: JsonScalar> fmt::Debug for TypedAtPath<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedAtPath").field(&self.place).field(&V::JSON_TYPE).finish()
    }
}

impl<T> AtPath<T> {
    pub(crate) fn new(column: usize, path: JsonPath) -> Self {
        Self { column, path, marker: PhantomData }
    }

    /// On to the member of that name, taken as it is.
    #[must_use]
    pub fn key(mut self, name: impl Into<String>) -> Self {
        self.path = self.path.key(name);
        self
    }

    /// On to the element at that place, counted from 0.
    #[must_use]
    pub fn index(mut self, place: u32) -> Self {
        self.path = self.path.index(place);
        self
    }

    /// Rows in which something is there, `null` included.
    pub fn exists(self) -> Filter<T> {
        self.test(JsonTest::Exists)
    }

    /// Rows in which nothing is there, or `null`.
    pub fn is_null(self) -> Filter<T> {
        self.test(JsonTest::IsNull)
    }

    /// Rows in which something is there that is not `null`.
    pub fn is_not_null(self) -> Filter<T> {
        !self.is_null()
    }

    /// A whole number that fits 64 bits, however it is written: 5, 5.0 and 5e0 are one.
    pub fn as_i64(self) -> TypedAtPath<T, i64> {
        self.typed()
    }

    /// Any number, as the nearest `f64`.
    pub fn as_f64(self) -> TypedAtPath<T, f64> {
        self.typed()
    }

    /// A string, compared by its bytes.
    pub fn as_text(self) -> TypedAtPath<T, String> {
        self.typed()
    }

    /// `true` or `false`.
    pub fn as_bool(self) -> TypedAtPath<T, bool> {
        self.typed()
    }

    fn typed<V>(self) -> TypedAtPath<T, V> {
        TypedAtPath { place: self, marker: PhantomData }
    }

    fn test(self, test: JsonTest) -> Filter<T> {
        Filter::from_tree(FilterTree::Json { column: self.column, path: self.path, test })
    }
}

/// A place whose value is read as a type. An [`AtPath`] is none until `as_i64()` or its like is
/// called, and rustc says so.
#[diagnostic::on_unimplemented(
    message = "what lies at a path has no type to compare with",
    label = "say what it is read as before it is compared: `as_i64()`, `as_f64()`, `as_text()` or `as_bool()`"
)]
pub trait ReadAsType {}

/// Without these rustc would take `AtPath` for an iterator, which has `eq` and `lt`.
macro_rules! needs_a_type {
    ($($name:ident)*) => {
        impl<T> AtPath<T> {
            $(
                #[doc(hidden)]
                pub fn $name<V>(self, _value: V) -> Filter<T>
                where
                    Self: ReadAsType,
                {
                    Filter::none()
                }
            )*
        }
    };
}

needs_a_type! { eq ne lt le gt ge in_list not_in like starts_with contains }

impl<T, V: JsonScalar> TypedAtPath<T, V> {
    const TYPE: JsonType = V::JSON_TYPE;

    /// Rows in which nothing is there, or something of another type.
    pub fn is_null(self) -> Filter<T> {
        self.place.test(JsonTest::IsNullAs(Self::TYPE))
    }

    /// Rows in which something of this type is there.
    pub fn is_not_null(self) -> Filter<T> {
        !self.is_null()
    }

    /// Rows whose value equals `value`.
    pub fn eq(self, value: impl NotNullOperand<V>) -> Filter<T> {
        self.compare(Comparison::Equal, value)
    }

    /// Rows whose value is of this type and differs from `value`.
    pub fn ne(self, value: impl NotNullOperand<V>) -> Filter<T> {
        self.compare(Comparison::NotEqual, value)
    }

    /// Rows whose value is less than `value`.
    pub fn lt(self, value: impl NotNullOperand<V>) -> Filter<T> {
        self.compare(Comparison::Less, value)
    }

    /// Rows whose value is less than or equal to `value`.
    pub fn le(self, value: impl NotNullOperand<V>) -> Filter<T> {
        self.compare(Comparison::LessOrEqual, value)
    }

    /// Rows whose value is greater than `value`.
    pub fn gt(self, value: impl NotNullOperand<V>) -> Filter<T> {
        self.compare(Comparison::Greater, value)
    }

    /// Rows whose value is greater than or equal to `value`.
    pub fn ge(self, value: impl NotNullOperand<V>) -> Filter<T> {
        self.compare(Comparison::GreaterOrEqual, value)
    }

    /// Rows whose value is at least `low` and at most `high`.
    pub fn between(self, low: impl NotNullOperand<V>, high: impl NotNullOperand<V>) -> Filter<T> {
        self.clone().ge(low) & self.le(high)
    }

    /// Rows whose value is one of `values`; an empty list matches no row.
    pub fn in_list(self, values: impl IntoIterator<Item: NotNullOperand<V>>) -> Filter<T> {
        let values: Vec<_> = values.into_iter().map(NotNullOperand::into_operand).collect();
        if values.is_empty() {
            return Filter::none();
        }
        self.place.test(JsonTest::InList { read_as: Self::TYPE, values })
    }

    /// Rows whose value is of this type and none of `values`; an empty list matches every row.
    pub fn not_in(self, values: impl IntoIterator<Item: NotNullOperand<V>>) -> Filter<T> {
        !self.in_list(values)
    }

    /// Rows whose text matches `pattern`; see [`Column::like`](crate::Column::like).
    pub fn like(self, pattern: impl Into<String>) -> Filter<T>
    where
        V: TextColumn,
    {
        self.place.test(JsonTest::Like { pattern: pattern.into() })
    }

    /// Rows whose text begins with `prefix`, byte by byte.
    pub fn starts_with(self, prefix: impl Into<String>) -> Filter<T>
    where
        V: TextColumn,
    {
        self.place.test(JsonTest::StartsWith { prefix: prefix.into() })
    }

    /// Rows whose text contains `part`, byte by byte.
    pub fn contains(self, part: impl Into<String>) -> Filter<T>
    where
        V: TextColumn,
    {
        self.place.test(JsonTest::Contains { part: part.into() })
    }

    fn compare(self, comparison: Comparison, value: impl NotNullOperand<V>) -> Filter<T> {
        let value = value.into_operand();
        self.place.test(JsonTest::Compare { read_as: Self::TYPE, comparison, value })
    }
}
