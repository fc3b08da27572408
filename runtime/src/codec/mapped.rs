//! Rows seen through another one: with other positions, or with a zero that has no sign.
//!
//! A projection reads its columns from 0 on, wherever the row has them. What is grouped has one
//! zero, since 0.0 and -0.0 are one group and nobody can say which of the two stands for it.

use std::{any::Any, ops::ControlFlow};

use uuid::Uuid;

use super::{ColumnSource, DecodeError, Decoded, JsonColumn};
use crate::{
    column_type::{ColumnType, VectorElement, VectorType},
    decimal::DecimalValue,
    storage::{RowReceiver, RowSink},
    value::Value,
};

/// A row of which column number `n` is column number `columns[n]` of another.
pub(crate) struct Mapped<'s> {
    pub(crate) source: &'s mut dyn ColumnSource,
    pub(crate) columns: &'s [usize],
}

/// A row whose floating-point numbers have no negative zero. Notes a NaN, which no column holds
/// but which a sum of infinities is.
pub(crate) struct OneZero<'s> {
    pub(crate) source: &'s mut dyn ColumnSource,
    pub(crate) found_nan: bool,
}

macro_rules! mapped {
    ($($read:ident: $result:ty),* $(,)?) => {$(
        fn $read(&mut self, column: usize) -> Decoded<$result> {
            self.source
                .$read(self.columns[column])
                .map_err(|error| error.at(column))
        }
    )*};
}

impl ColumnSource for Mapped<'_> {
    fn is_null(&mut self, column: usize) -> bool {
        self.source.is_null(self.columns[column])
    }

    mapped! {
        read_bool: bool,
        read_int: i64,
        read_float: f64,
        read_decimal: DecimalValue,
        read_text: String,
        read_bytes: Vec<u8>,
        read_uuid: Uuid,
        read_date_time: i64,
        read_date: i32,
        read_time: i64,
        read_json: JsonColumn<'_>,
        read_float_list: Vec<f32>,
        read_f16_list: Vec<u16>,
        read_i8_list: Vec<i8>,
        read_text_list: Vec<String>,
    }
}

macro_rules! forwarded {
    ($($read:ident: $result:ty),* $(,)?) => {$(
        fn $read(&mut self, column: usize) -> Decoded<$result> {
            self.source.$read(column)
        }
    )*};
}

impl ColumnSource for OneZero<'_> {
    fn is_null(&mut self, column: usize) -> bool {
        self.source.is_null(column)
    }

    fn read_float(&mut self, column: usize) -> Decoded<f64> {
        let number = self.source.read_float(column)?;
        self.found_nan |= number.is_nan();
        // The sum of the two zeros is the positive one; nothing else changes.
        Ok(number + 0.0)
    }

    forwarded! {
        read_bool: bool,
        read_int: i64,
        read_decimal: DecimalValue,
        read_text: String,
        read_bytes: Vec<u8>,
        read_uuid: Uuid,
        read_date_time: i64,
        read_date: i32,
        read_time: i64,
        read_json: JsonColumn<'_>,
        read_float_list: Vec<f32>,
        read_f16_list: Vec<u16>,
        read_i8_list: Vec<i8>,
        read_text_list: Vec<String>,
    }
}

/// A receiver of whole rows that hands these columns to `rows`.
pub(crate) fn projecting(columns: Vec<usize>, rows: RowSink) -> RowSink {
    Box::new(Projecting { columns, rows })
}

struct Projecting {
    columns: Vec<usize>,
    rows: RowSink,
}

impl RowReceiver for Projecting {
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        self.rows.receive(position, &mut Mapped { source, columns: &self.columns })
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self.rows.into_any()
    }
}

/// Reads a value whose Rust type is not at hand.
///
/// ```
/// use storehouse_runtime::{ColumnType, Value, codec::{self, RowRef}};
///
/// let row = [Value::Int(7), Value::Null];
/// let value = codec::read_value(ColumnType::I64, &mut RowRef(&row), 0).unwrap();
/// assert_eq!(value, Value::Int(7));
/// assert!(codec::read_value(ColumnType::Text, &mut RowRef(&row), 1).unwrap().is_null());
/// ```
pub fn read_value(
    column_type: ColumnType,
    source: &mut dyn ColumnSource,
    column: usize,
) -> Result<Value, DecodeError> {
    if source.is_null(column) {
        return Ok(Value::Null);
    }
    Ok(match column_type {
        ColumnType::Bool => Value::Bool(source.read_bool(column)?),
        ColumnType::I8
        | ColumnType::I16
        | ColumnType::I32
        | ColumnType::I64
        | ColumnType::U8
        | ColumnType::U16
        | ColumnType::U32 => Value::Int(source.read_int(column)?),
        ColumnType::F32 | ColumnType::F64 => Value::Float(source.read_float(column)?),
        ColumnType::Decimal => Value::Decimal(source.read_decimal(column)?),
        ColumnType::Text => Value::Text(source.read_text(column)?),
        ColumnType::Bytes => Value::Bytes(source.read_bytes(column)?),
        ColumnType::Uuid => Value::Uuid(source.read_uuid(column)?),
        ColumnType::DateTime | ColumnType::LocalDateTime => {
            Value::DateTime(source.read_date_time(column)?)
        }
        ColumnType::Date => Value::Date(source.read_date(column)?),
        ColumnType::Time => Value::Time(source.read_time(column)?),
        ColumnType::Json => Value::Json(
            (source.read_json(column)?.deserialize())
                .map_err(|error| DecodeError::new(column, error.to_string()))?,
        ),
        ColumnType::TextList => Value::TextList(source.read_text_list(column)?),
        ColumnType::FloatList
        | ColumnType::Vector(VectorType { element: VectorElement::F32, .. }) => {
            Value::FloatList(source.read_float_list(column)?)
        }
        ColumnType::F16List
        | ColumnType::Vector(VectorType { element: VectorElement::F16, .. }) => {
            Value::F16List(source.read_f16_list(column)?)
        }
        ColumnType::I8List | ColumnType::Vector(VectorType { element: VectorElement::I8, .. }) => {
            Value::I8List(source.read_i8_list(column)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::RowRef;

    #[test]
    fn a_mapped_row_reads_other_columns_and_blames_its_own() {
        let row = [Value::Int(1), Value::Text("a".into()), Value::Null];
        let mut source = RowRef(&row);
        let mut mapped = Mapped { source: &mut source, columns: &[1, 2, 1] };
        assert_eq!(mapped.read_text(0).unwrap(), "a");
        assert_eq!(mapped.read_text(2).unwrap(), "a");
        assert!(mapped.is_null(1));
        assert_eq!(mapped.read_int(2).unwrap_err().column(), 2);
    }

    #[test]
    fn a_zero_has_no_sign() {
        let row = [Value::Float(-0.0), Value::Float(f64::NAN), Value::Float(-1.5)];
        let mut row = RowRef(&row);
        let mut source = OneZero { source: &mut row, found_nan: false };
        assert!(source.read_float(0).unwrap().is_sign_positive());
        assert!(!source.found_nan);
        assert_eq!(source.read_float(2).unwrap().to_bits(), (-1.5_f64).to_bits());
        assert!(source.read_float(1).unwrap().is_nan());
        assert!(source.found_nan);
    }
}
