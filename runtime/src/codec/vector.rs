//! What the derive asks of a vector's type, so that rustc answers in this crate's words: that it
//! is a list of numbers, which numbers, and how many where the type says so.

use super::{ColumnSource, ColumnValue, DecodeError};
use crate::{column_type::VectorElement, value::Value};

/// A column of `vector(..)`: its codec, and what its type says about it.
#[diagnostic::on_unimplemented(
    message = "a vector is a list of numbers, not `{Self}`",
    label = "`vector` columns are `Vec` or arrays of `f32`, `half::f16` or `i8`, and `Option` of each",
    note = "`half::f16` is there with the feature `half`"
)]
pub trait VectorColumn: Sized {
    /// How an element is stored.
    const ELEMENT: VectorElement;
    /// Whether the column can be NULL.
    const NULLABLE: bool;
    /// [`ELEMENT`](Self::ELEMENT) as a type.
    type Elements;
    /// How many elements there are, as a type.
    type Length;

    /// The value to store.
    fn into_value(self) -> Value;
    /// The value to store, from a borrowed field.
    fn to_value(&self) -> Value;
    /// Reads the value back.
    fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<V: Numbers> VectorColumn for V {
    const ELEMENT: VectorElement = V::Elements::ELEMENT;
    const NULLABLE: bool = <V as ColumnValue>::NULLABLE;
    type Elements = V::Elements;
    type Length = V::Length;

    fn into_value(self) -> Value {
        ColumnValue::into_value(self)
    }

    fn to_value(&self) -> Value {
        ColumnValue::to_value(self)
    }

    fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
        <V as ColumnValue>::decode(source, column)
    }
}

/// The types of [`VectorColumn`], with its words, so that rustc says them once.
#[diagnostic::on_unimplemented(
    message = "a vector is a list of numbers, not `{Self}`",
    label = "`vector` columns are `Vec` or arrays of `f32`, `half::f16` or `i8`, and `Option` of each",
    note = "`half::f16` is there with the feature `half`"
)]
pub trait Numbers: ColumnValue {
    /// Which numbers.
    type Elements: Element;
    /// How many.
    type Length;
}

impl<V: Numbers> Numbers for Option<V>
where
    Self: ColumnValue,
{
    type Elements = V::Elements;
    type Length = V::Length;
}

/// A [`VectorElement`] as a type.
pub trait Element {
    /// Which it is.
    const ELEMENT: VectorElement;
}

macro_rules! elements {
    ($($element:ident),*) => {$(
        #[doc = concat!("[`VectorElement::", stringify!($element), "`] as a type.")]
        #[derive(Debug)]
        pub struct $element;

        impl Element for $element {
            const ELEMENT: VectorElement = VectorElement::$element;
        }
    )*};
}
elements!(F32, F16, I8);

/// Any number of elements, as a `Vec` has.
#[derive(Debug)]
pub struct AnyLength;

/// That many elements, as an array has.
#[derive(Debug)]
pub struct Exactly<const N: usize>;

/// That the field's type agrees with `element = ".."`.
#[diagnostic::on_unimplemented(
    message = "`element` names other numbers than those of this vector's type",
    label = "the type says what its elements are; remove `element`, or change it to that"
)]
pub trait ElementsAre<E> {
    /// Named by the derive, so that rustc checks the type.
    const CHECK: () = ();
}

#[diagnostic::do_not_recommend]
impl<E> ElementsAre<E> for E {}

/// That the field's type agrees with `dim = ..`.
#[diagnostic::on_unimplemented(
    message = "`dim = {N}` is not the length of this vector's type",
    label = "the type says how long it is; remove `dim`, or change it to that"
)]
pub trait LengthIs<const N: usize> {
    /// Named by the derive, so that rustc checks the type.
    const CHECK: () = ();
}

#[diagnostic::do_not_recommend]
impl<const N: usize> LengthIs<N> for AnyLength {}
#[diagnostic::do_not_recommend]
impl<const N: usize> LengthIs<N> for Exactly<N> {}

/// That the field's type says how long the vector is, where `dim` does not.
#[diagnostic::on_unimplemented(
    message = "`vector` needs its dimension, which this type does not say",
    label = "write `vector(dim = 384)`, or make the field an array such as `[f32; 384]`"
)]
pub trait KnownLength {
    /// The dimension.
    const DIMENSION: u32;
}

#[diagnostic::do_not_recommend]
impl<const N: usize> KnownLength for Exactly<N> {
    #[expect(clippy::cast_possible_truncation, reason = "an array of 4 GB is no row")]
    const DIMENSION: u32 = {
        assert!(N > 0, "a vector has at least 1 dimension; write the length of yours");
        N as u32
    };
}
