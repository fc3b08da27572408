//! What a query can give instead of whole rows: a column, a tuple of columns, or a struct that
//! derives [`Projection`].
//!
//! All three say which columns are read, and decode them by position. A list of columns also has
//! the types of its columns as a type, so that rustc can refuse what only some of them can do.

use serde::de::DeserializeOwned;

use crate::{
    codec::{
        ColumnSource, ColumnValue, DecodeError, NotNull, Ordered, json, json::Json, mapped::Mapped,
    },
    column::Column,
    maybe_send::MaybeSend,
    table::Row,
};

/// What a column constant says its column holds: a type of column, or [`Json`] of any other.
#[diagnostic::on_unimplemented(
    message = "a column of `{Self}` cannot be selected",
    label = "neither a type of column nor JSON of one that can be sent between threads"
)]
pub trait ColumnKind: 'static {
    /// The type of the column's values.
    type Output: MaybeSend + 'static;

    /// Reads one.
    fn read(source: &mut dyn ColumnSource, column: usize) -> Result<Self::Output, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<V: ColumnValue + MaybeSend + 'static> ColumnKind for V {
    type Output = V;

    fn read(source: &mut dyn ColumnSource, column: usize) -> Result<V, DecodeError> {
        V::decode(source, column)
    }
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + MaybeSend + 'static> ColumnKind for Json<T> {
    type Output = T;

    fn read(source: &mut dyn ColumnSource, column: usize) -> Result<T, DecodeError> {
        json::decode(source, column)
    }
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + MaybeSend + 'static> ColumnKind for Option<Json<T>> {
    type Output = Option<T>;

    fn read(source: &mut dyn ColumnSource, column: usize) -> Result<Option<T>, DecodeError> {
        json::decode_optional(source, column)
    }
}

/// One column of `T`, in a list of columns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a column of the table `{T}`",
    label = "a query of `{T}` reads columns of `{T}` alone",
    note = "give a column of its own, such as `{T}::NAME`"
)]
pub trait ColumnOf<T>: Sized {
    /// What the column holds.
    type Kind: ColumnKind;

    /// The column's position in the definition.
    fn position_in_table(self) -> usize;
}

#[diagnostic::do_not_recommend]
impl<T: Row, K: ColumnKind> ColumnOf<T> for Column<T, K> {
    type Kind = K;

    fn position_in_table(self) -> usize {
        self.position()
    }
}

/// What `select` and `group_by` take: a column of `T`, or a tuple of up to twelve.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of columns of the table `{T}`",
    label = "neither a column of `{T}` nor a tuple of up to twelve",
    note = "write one column, `{T}::NAME`, or several in parentheses, `({T}::NAME, {T}::PRICE)`"
)]
pub trait ColumnList<T>: Sized {
    /// What a row of the answer is: the column's type, or a tuple of the columns' types.
    type Output: MaybeSend + 'static;
    /// What the columns hold, as a list of types.
    type Kinds: 'static;
    /// How many columns there are.
    const WIDTH: usize;

    /// The columns' positions in the definition.
    fn positions(self) -> Vec<usize>;

    /// Reads one row of the answer, whose first column is number `first` of `source`.
    fn read(source: &mut dyn ColumnSource, first: usize) -> Result<Self::Output, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Row, K: ColumnKind> ColumnList<T> for Column<T, K> {
    type Output = K::Output;
    type Kinds = (K, ());
    const WIDTH: usize = 1;

    fn positions(self) -> Vec<usize> {
        vec![self.position()]
    }

    fn read(source: &mut dyn ColumnSource, first: usize) -> Result<K::Output, DecodeError> {
        K::read(source, first)
    }
}

/// A type for a list of types.
macro_rules! kinds {
    ($row:ident;) => { () };
    ($row:ident; $first:ident $($rest:ident)*) => {
        (<$first as ColumnOf<$row>>::Kind, kinds!($row; $($rest)*))
    };
}

macro_rules! tuples {
    ($($width:literal: $($column:ident $place:tt),*;)*) => {$(
        impl<T: Row, $($column: ColumnOf<T>),*> ColumnList<T> for ($($column,)*) {
            type Output = ($(<$column::Kind as ColumnKind>::Output,)*);
            type Kinds = kinds!(T; $($column)*);
            const WIDTH: usize = $width;

            fn positions(self) -> Vec<usize> {
                vec![$(self.$place.position_in_table()),*]
            }

            fn read(
                source: &mut dyn ColumnSource,
                first: usize,
            ) -> Result<Self::Output, DecodeError> {
                Ok(($(<$column::Kind as ColumnKind>::read(source, first + $place)?,)*))
            }
        }
    )*};
}

tuples! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
    7: A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    9: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    10: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    11: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    12: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
}

/// Columns that all have an order, so that rows can be grouped by them.
pub trait OrderedKinds {}

impl OrderedKinds for () {}

impl<K: Ordered, Rest: OrderedKinds> OrderedKinds for (K, Rest) {}

/// A struct with some columns of `T`, made by `#[derive(Projection)]`, that `select_as` reads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a projection of the table `{T}`",
    label = "does not say which columns of `{T}` it has",
    note = "add `#[derive(Projection)] #[table(of = {T})]` to `{Self}`"
)]
pub trait Projection<T>: Sized + MaybeSend + 'static {
    /// What the columns hold, as a list of types.
    type Kinds: 'static;

    /// The columns' positions in the definition, in the order of the fields.
    fn columns() -> Vec<usize>;

    /// Reads one from a row that has these columns alone.
    fn read(source: &mut dyn ColumnSource) -> Result<Self, DecodeError>;
}

/// A field's type that can hold what a column of `K` holds: the column's own type.
#[diagnostic::on_unimplemented(
    message = "the column holds `{K}`, which a field of `{Self}` cannot hold",
    label = "give the field the type that the table's struct gives it, `{K}`"
)]
pub trait FieldOf<K>: Sized {
    /// Reads the field from column number `position` of `source`.
    fn read<T>(
        column: Column<T, K>,
        source: &mut dyn ColumnSource,
        position: usize,
    ) -> Result<Self, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<V: ColumnValue> FieldOf<V> for V {
    fn read<T>(
        _: Column<T, V>,
        source: &mut dyn ColumnSource,
        position: usize,
    ) -> Result<V, DecodeError> {
        V::decode(source, position)
    }
}

#[diagnostic::do_not_recommend]
impl<D: DeserializeOwned> FieldOf<Json<D>> for D {
    fn read<T>(
        _: Column<T, Json<D>>,
        source: &mut dyn ColumnSource,
        position: usize,
    ) -> Result<D, DecodeError> {
        json::decode(source, position)
    }
}

#[diagnostic::do_not_recommend]
impl<D: DeserializeOwned> FieldOf<Option<Json<D>>> for Option<D> {
    fn read<T>(
        _: Column<T, Option<Json<D>>>,
        source: &mut dyn ColumnSource,
        position: usize,
    ) -> Result<Option<D>, DecodeError> {
        json::decode_optional(source, position)
    }
}

/// Types whose sums and averages are numbers; the sum is an `i64` of integers, an `f64` of
/// floating-point numbers, a `Decimal` of decimal numbers.
#[diagnostic::on_unimplemented(
    message = "a column of `{Self}` cannot be added up",
    label = "`sum` and `avg` take columns of integers, floating-point and decimal numbers",
    note = "`count`, `count_distinct`, `min` and `max` take other columns that have an order"
)]
pub trait Summable<Sum> {}

/// A type whose values have a least and a greatest, which are of the type `V`: the same without an
/// `Option`.
///
/// What a function gives is a parameter of these two traits, not a type inside of them: rustc would
/// report a wrong column twice.
#[diagnostic::on_unimplemented(
    message = "a column of `{Self}` has no order",
    label = "JSON, lists and vectors have no least and no greatest value; use another column, or `count_not_null`"
)]
pub trait Extremes<V> {}

#[diagnostic::do_not_recommend]
impl<V, C: Ordered + ColumnValue<Scalar = V>> Extremes<V> for C {}

macro_rules! summable {
    ($($sum:ty: $($column:ty)*;)*) => {$($(
        #[diagnostic::do_not_recommend]
        impl Summable<$sum> for $column {}
    )*)*};
}

summable! {
    i64: i8 i16 i32 i64 u8 u16 u32;
    f64: f32 f64;
}

#[cfg(feature = "rust_decimal")]
summable! { rust_decimal::Decimal: rust_decimal::Decimal; }

#[diagnostic::do_not_recommend]
impl<Sum, V: Summable<Sum> + NotNull> Summable<Sum> for Option<V> {}

/// Reads a projection from a row of SQL, in which its columns stand where `plan` says; the derive
/// calls this.
#[doc(hidden)]
pub fn read_by_name<T, P: Projection<T>>(
    source: &mut dyn ColumnSource,
    plan: &[usize],
) -> Result<P, DecodeError> {
    P::read(&mut Mapped { source, columns: plan }).map_err(|error| error.mapped(plan))
}
