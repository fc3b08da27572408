//! Typed column handles: what a query is written with.
//!
//! The derive gives each table constants such as `Product::PRICE`, each a [`Column`] that knows
//! its table and its Rust type. A comparison with a value of another type, or the use of one
//! table's column in another table's query, does not compile.

use std::{fmt, marker::PhantomData};

use crate::{
    codec::{
        ColumnValue, Comparable, IndexedColumn, NullableColumn, Ordered, TextColumn, json::Json,
    },
    filter::{Comparison, Filter, FilterTree},
    json_path::{AtPath, JsonDocument, JsonPath},
    order::{Direction, Order, OrderTerm},
    table::Row,
    value::Value,
};

/// A column of `T` whose values have the type `V`.
///
/// ```
/// # mod shop {
/// use storehouse::prelude::*;
///
/// #[derive(Table)]
/// struct Product {
///     #[table(key, auto)]
///     id: i64,
///     name: String,
///     price: f64,
///     note: Option<String>,
/// }
///
/// # fn main() {
/// let filter = (Product::PRICE.lt(10.0) | Product::NAME.starts_with("free ")) & Product::NOTE.is_null();
/// # let _ = filter;
/// # }
/// # }
/// ```
pub struct Column<T, V> {
    position: usize,
    is_unique: bool,
    marker: PhantomData<fn() -> (T, V)>,
}

impl<T, V> Clone for Column<T, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, V> Copy for Column<T, V> {}

impl<T, V> fmt::Debug for Column<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Column").field(&self.position).finish()
    }
}

/// A value to compare a column of `V` with: a `V`, a reference to one, or `&str` for text.
#[diagnostic::on_unimplemented(
    message = "a column of `{V}` cannot be compared with `{Self}`",
    label = "give the column's own type, such as `100.0` for an `f64` or `&str` for a `String`"
)]
pub trait Operand<V> {
    /// The value to compare with.
    fn into_operand(self) -> Value;
}

#[diagnostic::do_not_recommend]
impl<V: ColumnValue> Operand<V> for V {
    fn into_operand(self) -> Value {
        self.into_value()
    }
}

#[diagnostic::do_not_recommend]
impl<V: ColumnValue> Operand<V> for &V {
    fn into_operand(self) -> Value {
        self.to_value()
    }
}

#[diagnostic::do_not_recommend]
impl<V> Operand<Option<V>> for V
where
    V: ColumnValue,
    Option<V>: ColumnValue,
{
    fn into_operand(self) -> Value {
        self.into_value()
    }
}

#[diagnostic::do_not_recommend]
impl Operand<String> for &str {
    fn into_operand(self) -> Value {
        Value::Text(self.to_owned())
    }
}

#[diagnostic::do_not_recommend]
impl Operand<Option<String>> for &str {
    fn into_operand(self) -> Value {
        Value::Text(self.to_owned())
    }
}

#[diagnostic::do_not_recommend]
impl Operand<Vec<u8>> for &[u8] {
    fn into_operand(self) -> Value {
        Value::Bytes(self.to_vec())
    }
}

/// A value to compare a column of `V` with where NULL has no place: as [`Operand`], but a nullable
/// column takes values without their `Option`.
#[diagnostic::on_unimplemented(
    message = "a column of `{V}` cannot be compared with `{Self}`",
    label = "give the column's own type, such as `100.0` for an `f64` or `&str` for a `String`"
)]
pub trait NotNullOperand<V> {
    /// The value to compare with.
    fn into_operand(self) -> Value;
}

#[diagnostic::do_not_recommend]
impl<V: ColumnValue, O: Operand<V::Scalar>> NotNullOperand<V> for O {
    fn into_operand(self) -> Value {
        Operand::into_operand(self)
    }
}

/// A JSON column is compared with nothing, and [`Comparable`] and [`Ordered`] say so. That it
/// takes every operand keeps rustc from saying more.
macro_rules! takes_every_operand {
    ($($operand:ident for $json:ty),* $(,)?) => {$(
        #[doc(hidden)]
        #[diagnostic::do_not_recommend]
        impl<T, O> $operand<$json> for O {
            fn into_operand(self) -> Value {
                Value::Null
            }
        }
    )*};
}

takes_every_operand! {
    Operand for Json<T>,
    Operand for Option<Json<T>>,
    NotNullOperand for Json<T>,
    NotNullOperand for Option<Json<T>>,
}

impl<T: Row, V> Column<T, V> {
    /// The column at `position`; the derive calls this.
    #[doc(hidden)]
    pub const fn new(position: usize) -> Self {
        Self { position, is_unique: false, marker: PhantomData }
    }

    /// The column at `position`, which is the whole key or unique by itself, so that other tables
    /// can refer to it; the derive calls this.
    #[doc(hidden)]
    pub const fn unique(position: usize) -> Self {
        Self { position, is_unique: true, marker: PhantomData }
    }

    /// Whether no two rows share a value of the column.
    pub(crate) const fn is_unique(self) -> bool {
        self.is_unique
    }

    /// The column's position in the table's definition.
    pub const fn position(self) -> usize {
        self.position
    }

    /// The column's position, for the derive to put it into an index.
    #[doc(hidden)]
    pub const fn indexed(self) -> usize
    where
        V: IndexedColumn,
    {
        self.position
    }

    /// Rows in which the column is NULL.
    pub fn is_null(self) -> Filter<T>
    where
        V: NullableColumn,
    {
        Filter::from_tree(FilterTree::IsNull { column: self.position })
    }

    /// Rows in which the column is not NULL.
    pub fn is_not_null(self) -> Filter<T>
    where
        V: NullableColumn,
    {
        !self.is_null()
    }

    /// Rows whose value equals `value`; `eq(None)` is `is_null()`.
    pub fn eq(self, value: impl Operand<V>) -> Filter<T>
    where
        V: Comparable,
    {
        match value.into_operand() {
            Value::Null => Filter::from_tree(FilterTree::IsNull { column: self.position }),
            value => self.compare(Comparison::Equal, value),
        }
    }

    /// Rows whose value differs from `value`, but not those where it is NULL, as in SQL;
    /// `ne(None)` is `is_not_null()`.
    pub fn ne(self, value: impl Operand<V>) -> Filter<T>
    where
        V: Comparable,
    {
        match value.into_operand() {
            Value::Null => !Filter::from_tree(FilterTree::IsNull { column: self.position }),
            value => self.compare(Comparison::NotEqual, value),
        }
    }

    /// Rows whose value is less than `value`.
    pub fn lt(self, value: impl NotNullOperand<V>) -> Filter<T>
    where
        V: Ordered,
    {
        self.compare(Comparison::Less, value.into_operand())
    }

    /// Rows whose value is less than or equal to `value`.
    pub fn le(self, value: impl NotNullOperand<V>) -> Filter<T>
    where
        V: Ordered,
    {
        self.compare(Comparison::LessOrEqual, value.into_operand())
    }

    /// Rows whose value is greater than `value`.
    pub fn gt(self, value: impl NotNullOperand<V>) -> Filter<T>
    where
        V: Ordered,
    {
        self.compare(Comparison::Greater, value.into_operand())
    }

    /// Rows whose value is greater than or equal to `value`.
    pub fn ge(self, value: impl NotNullOperand<V>) -> Filter<T>
    where
        V: Ordered,
    {
        self.compare(Comparison::GreaterOrEqual, value.into_operand())
    }

    /// Rows whose value is at least `low` and at most `high`.
    pub fn between(self, low: impl NotNullOperand<V>, high: impl NotNullOperand<V>) -> Filter<T>
    where
        V: Ordered,
    {
        self.ge(low) & self.le(high)
    }

    /// Rows whose value is one of `values`; an empty list matches no row.
    pub fn in_list(self, values: impl IntoIterator<Item: NotNullOperand<V>>) -> Filter<T>
    where
        V: Comparable,
    {
        let values: Vec<Value> = values.into_iter().map(NotNullOperand::into_operand).collect();
        if values.is_empty() {
            return Filter::none();
        }
        Filter::from_tree(FilterTree::InList { column: self.position, values })
    }

    /// Rows whose value is none of `values`, and not NULL, as in SQL; an empty list matches
    /// every row.
    pub fn not_in(self, values: impl IntoIterator<Item: NotNullOperand<V>>) -> Filter<T>
    where
        V: Comparable,
    {
        !self.in_list(values)
    }

    /// Rows whose text matches `pattern`: `%` stands for any text, `_` for any one character,
    /// and a backslash takes away the meaning of what follows it.
    ///
    /// Upper and lower case differ, on every backend. A pattern may have up to 16,384 bytes.
    pub fn like(self, pattern: impl Into<String>) -> Filter<T>
    where
        V: TextColumn,
    {
        Filter::from_tree(FilterTree::Like { column: self.position, pattern: pattern.into() })
    }

    /// Rows whose text begins with `prefix`, byte by byte.
    pub fn starts_with(self, prefix: impl Into<String>) -> Filter<T>
    where
        V: TextColumn,
    {
        Filter::from_tree(FilterTree::StartsWith { column: self.position, prefix: prefix.into() })
    }

    /// Rows whose text contains `part`, byte by byte.
    pub fn contains(self, part: impl Into<String>) -> Filter<T>
    where
        V: TextColumn,
    {
        Filter::from_tree(FilterTree::Contains { column: self.position, part: part.into() })
    }

    /// What lies at a path in the document.
    ///
    /// ```
    /// use storehouse::{JsonPath, prelude::*};
    ///
    /// #[derive(Table)]
    /// struct Product {
    ///     #[table(key, auto)]
    ///     id: i64,
    ///     #[table(json)]
    ///     attributes: std::collections::BTreeMap<String, Vec<u32>>,
    /// }
    ///
    /// let wide = Product::ATTRIBUTES.path("size[0]").as_i64().gt(3);
    /// // Names as they are, whatever is in them:
    /// let odd = Product::ATTRIBUTES.path(["a.b", "it's"]).exists();
    /// let same = Product::ATTRIBUTES.path(JsonPath::root().key("a.b").key("it's")).exists();
    /// # let _ = (wide, odd, same);
    /// ```
    pub fn path(self, path: impl Into<JsonPath>) -> AtPath<T>
    where
        V: JsonDocument,
    {
        AtPath::new(self.position, path.into())
    }

    /// Smallest first, NULL before everything.
    pub fn asc(self) -> Order<T>
    where
        V: Ordered,
    {
        Order::new(OrderTerm { column: self.position, direction: Direction::Ascending })
    }

    /// Greatest first, NULL after everything.
    pub fn desc(self) -> Order<T>
    where
        V: Ordered,
    {
        Order::new(OrderTerm { column: self.position, direction: Direction::Descending })
    }

    fn compare(self, comparison: Comparison, value: Value) -> Filter<T> {
        Filter::from_tree(FilterTree::Compare { column: self.position, comparison, value })
    }
}
