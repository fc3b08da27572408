//! Lists: of numbers, which vectors are too, and of texts.

use super::{ColumnSource, ColumnValue, DecodeError, NotNull};
use crate::{column_type::ColumnType, value::Value};

#[diagnostic::do_not_recommend]
impl ColumnValue for Vec<f32> {
    const TYPE: ColumnType = ColumnType::FloatList;
    type Scalar = Self;

    fn into_value(self) -> Value {
        Value::FloatList(self)
    }

    fn to_value(&self) -> Value {
        Value::FloatList(self.clone())
    }

    fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
        source.read_float_list(column)
    }
}

#[diagnostic::do_not_recommend]
impl ColumnValue for Vec<String> {
    const TYPE: ColumnType = ColumnType::TextList;
    type Scalar = Self;

    fn into_value(self) -> Value {
        Value::TextList(self)
    }

    fn to_value(&self) -> Value {
        Value::TextList(self.clone())
    }

    fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
        source.read_text_list(column)
    }
}

impl NotNull for Vec<f32> {}
impl NotNull for Vec<String> {}
