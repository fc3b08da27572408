//! Truth values, numbers, text, bytes and UUIDs.

use uuid::Uuid;

use super::{
    ColumnSource, ColumnValue, Comparable, DecodeError, KeyColumn, NotNull, Ordered, TextColumn,
};
use crate::{
    column_type::ColumnType,
    patch::{Step, StepOf},
    value::Value,
};

/// Implements a column type whose values can be compared and ordered.
macro_rules! scalar {
    ($type:ty, $column_type:ident, $this:ident => $into:expr, $read:expr) => {
        #[diagnostic::do_not_recommend]
        impl ColumnValue for $type {
            const TYPE: ColumnType = ColumnType::$column_type;
            type Scalar = Self;

            fn into_value(self) -> Value {
                let $this = self;
                $into
            }

            fn to_value(&self) -> Value {
                let $this = self.clone();
                $into
            }

            fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
                let read: fn(&mut dyn ColumnSource, usize) -> Result<Self, DecodeError> = $read;
                read(source, column)
            }
        }
        impl NotNull for $type {}
        #[diagnostic::do_not_recommend]
        impl Comparable for $type {}
        #[diagnostic::do_not_recommend]
        impl Ordered for $type {}
    };
}
pub(super) use scalar;

/// Implements an integer type; a stored number that does not fit is an error, never cut.
macro_rules! integer {
    ($($type:ident => $column_type:ident),* $(,)?) => {$(
        scalar!($type, $column_type, this => Value::Int(i64::from(this)), |source, column| {
            let stored = source.read_int(column)?;
            Self::try_from(stored).map_err(|_| {
                let expected = stringify!($type);
                DecodeError::new(column, format!("{stored} does not fit {expected}"))
            })
        });
        impl KeyColumn for $type {}
        #[diagnostic::do_not_recommend]
        impl StepOf<$type> for i64 {
            fn into_step(self) -> Step {
                Step::Integer(self)
            }
        }
    )*};
}

integer! {
    i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32,
}

scalar!(bool, Bool, this => Value::Bool(this), |source, column| source.read_bool(column));
scalar!(f64, F64, this => Value::Float(this), |source, column| source.read_float(column));
scalar!(f32, F32, this => Value::Float(f64::from(this)), |source, column| {
    // Every f32 was widened without loss on its way in, so this narrows without loss.
    #[expect(clippy::cast_possible_truncation, reason = "the stored value came from an f32")]
    source.read_float(column).map(|stored| stored as Self)
});
scalar!(String, Text, this => Value::Text(this), |source, column| source.read_text(column));
scalar!(Vec<u8>, Bytes, this => Value::Bytes(this), |source, column| source.read_bytes(column));
scalar!(Uuid, Uuid, this => Value::Uuid(this), |source, column| source.read_uuid(column));

#[diagnostic::do_not_recommend]
impl TextColumn for String {}
#[diagnostic::do_not_recommend]
impl StepOf<Self> for f64 {
    fn into_step(self) -> Step {
        Step::Float(self)
    }
}
impl KeyColumn for bool {}
impl KeyColumn for String {}
impl KeyColumn for Vec<u8> {}
impl KeyColumn for Uuid {}
