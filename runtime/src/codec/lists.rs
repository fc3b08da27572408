//! Lists: of numbers, which vectors are too, and of texts. A list of numbers may also be an
//! array, whose length is then known from the type.

use crate::value::Value;

/// Implements a column type for `Vec<T>`.
macro_rules! list {
    (
        $element:ty, $column_type:ident,
        $this:ident => $into:expr,
        $read:expr
    ) => {
        #[diagnostic::do_not_recommend]
        impl $crate::codec::ColumnValue for Vec<$element> {
            const TYPE: $crate::column_type::ColumnType =
                $crate::column_type::ColumnType::$column_type;
            type Scalar = Self;

            fn into_value(self) -> $crate::value::Value {
                let $this = self;
                $into
            }

            fn to_value(&self) -> $crate::value::Value {
                self.clone().into_value()
            }

            fn decode(
                source: &mut dyn $crate::codec::ColumnSource,
                column: usize,
            ) -> Result<Self, $crate::codec::DecodeError> {
                let read: fn(
                    &mut dyn $crate::codec::ColumnSource,
                    usize,
                ) -> Result<Self, $crate::codec::DecodeError> = $read;
                read(source, column)
            }
        }
        impl $crate::codec::NotNull for Vec<$element> {}
    };
}
#[cfg(feature = "half")]
pub(super) use list;

/// Implements a column type for `[T; N]` by that of `Vec<T>`, and lets both be vectors.
macro_rules! fixed {
    ($element:ty, $marker:ident) => {
        #[diagnostic::do_not_recommend]
        impl<const N: usize> $crate::codec::ColumnValue for [$element; N] {
            const TYPE: $crate::column_type::ColumnType =
                <Vec<$element> as $crate::codec::ColumnValue>::TYPE;
            type Scalar = Self;

            fn into_value(self) -> $crate::value::Value {
                self.to_value()
            }

            fn to_value(&self) -> $crate::value::Value {
                self.to_vec().into_value()
            }

            fn decode(
                source: &mut dyn $crate::codec::ColumnSource,
                column: usize,
            ) -> Result<Self, $crate::codec::DecodeError> {
                let list = <Vec<$element> as $crate::codec::ColumnValue>::decode(source, column)?;
                Self::try_from(list).map_err(|list| {
                    let message = format!("expected {N} numbers, found {}", list.len());
                    $crate::codec::DecodeError::new(column, message)
                })
            }
        }
        impl<const N: usize> $crate::codec::NotNull for [$element; N] {}

        impl $crate::codec::vector::Numbers for Vec<$element> {
            type Elements = $crate::codec::vector::$marker;
            type Length = $crate::codec::vector::AnyLength;
        }
        impl<const N: usize> $crate::codec::vector::Numbers for [$element; N] {
            type Elements = $crate::codec::vector::$marker;
            type Length = $crate::codec::vector::Exactly<N>;
        }
    };
}
#[cfg(feature = "half")]
pub(super) use fixed;

list!(f32, FloatList,
    this => Value::FloatList(this),
    |source, column| source.read_float_list(column)
);
fixed!(f32, F32);
list!(i8, I8List,
    this => Value::I8List(this),
    |source, column| source.read_i8_list(column)
);
fixed!(i8, I8);
list!(String, TextList,
    this => Value::TextList(this),
    |source, column| source.read_text_list(column)
);
