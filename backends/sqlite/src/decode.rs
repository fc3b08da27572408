//! Rows on their way out of a statement.

use std::{borrow::Cow, str};

use rusqlite::{Row, types::ValueRef};
use storehouse_runtime::{
    ColumnSource, ColumnType, DecimalValue, DecodeError, EncodedRow, TableDef, Value,
    VectorElement, VectorType, codec::JsonColumn,
};
use uuid::Uuid;

/// The row that a statement stands on, read where it lies.
pub(crate) struct RowSource<'a>(pub(crate) &'a Row<'a>);

type Decoded<T> = Result<T, DecodeError>;

impl RowSource<'_> {
    #[inline]
    fn get(&self, column: usize) -> Decoded<ValueRef<'_>> {
        self.0.get_ref(column).map_err(|error| DecodeError::new(column, error.to_string()))
    }

    #[inline]
    fn integer(&self, column: usize, expected: &'static str) -> Decoded<i64> {
        match self.get(column)? {
            ValueRef::Integer(integer) => Ok(integer),
            other => Err(mismatch(column, expected, other)),
        }
    }

    #[inline]
    fn text(&self, column: usize, expected: &'static str) -> Decoded<&str> {
        match self.get(column)? {
            ValueRef::Text(text) => {
                str::from_utf8(text).map_err(|error| DecodeError::new(column, error.to_string()))
            }
            other => Err(mismatch(column, expected, other)),
        }
    }

    #[inline]
    fn blob(&self, column: usize, expected: &'static str) -> Decoded<&[u8]> {
        match self.get(column)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            other => Err(mismatch(column, expected, other)),
        }
    }
}

impl ColumnSource for RowSource<'_> {
    fn is_null(&mut self, column: usize) -> bool {
        matches!(self.0.get_ref(column), Ok(ValueRef::Null))
    }

    fn read_bool(&mut self, column: usize) -> Decoded<bool> {
        match self.integer(column, "a bool")? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(DecodeError::new(column, format!("expected 0 or 1, found {other}"))),
        }
    }

    fn read_int(&mut self, column: usize) -> Decoded<i64> {
        self.integer(column, "an integer")
    }

    fn read_float(&mut self, column: usize) -> Decoded<f64> {
        match self.get(column)? {
            ValueRef::Real(number) => Ok(number),
            // Another program may have written a whole number.
            #[expect(clippy::cast_precision_loss, reason = "as SQLite's own conversion does")]
            ValueRef::Integer(integer) => Ok(integer as f64),
            other => Err(mismatch(column, "a number", other)),
        }
    }

    fn read_decimal(&mut self, column: usize) -> Decoded<DecimalValue> {
        DecimalValue::from_sort_key(self.blob(column, "a decimal number")?)
            .ok_or_else(|| DecodeError::new(column, "expected a decimal number, found other bytes"))
    }

    fn read_text(&mut self, column: usize) -> Decoded<String> {
        self.text(column, "text").map(str::to_owned)
    }

    fn read_bytes(&mut self, column: usize) -> Decoded<Vec<u8>> {
        self.blob(column, "bytes").map(<[u8]>::to_vec)
    }

    fn read_uuid(&mut self, column: usize) -> Decoded<Uuid> {
        let bytes = self.blob(column, "a UUID")?;
        Uuid::from_slice(bytes).map_err(|error| DecodeError::new(column, error.to_string()))
    }

    fn read_date_time(&mut self, column: usize) -> Decoded<i64> {
        self.integer(column, "microseconds")
    }

    fn read_date(&mut self, column: usize) -> Decoded<i32> {
        let days = self.integer(column, "days")?;
        i32::try_from(days)
            .map_err(|_| DecodeError::new(column, format!("day {days} is out of range")))
    }

    fn read_time(&mut self, column: usize) -> Decoded<i64> {
        self.integer(column, "microseconds")
    }

    fn read_json(&mut self, column: usize) -> Decoded<JsonColumn<'_>> {
        self.text(column, "JSON").map(|text| JsonColumn::Text(Cow::Borrowed(text)))
    }

    fn read_float_list(&mut self, column: usize) -> Decoded<Vec<f32>> {
        let (numbers, rest) = self.blob(column, "a list of numbers")?.as_chunks();
        if rest.is_empty() {
            Ok(numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
        } else {
            Err(DecodeError::new(column, "expected 4 bytes for each number, found a rest"))
        }
    }

    fn read_f16_list(&mut self, column: usize) -> Decoded<Vec<u16>> {
        let (numbers, rest) = self.blob(column, "a list of half-precision numbers")?.as_chunks();
        if rest.is_empty() {
            Ok(numbers.iter().map(|&bytes| u16::from_le_bytes(bytes)).collect())
        } else {
            Err(DecodeError::new(column, "expected 2 bytes for each number, found a rest"))
        }
    }

    fn read_i8_list(&mut self, column: usize) -> Decoded<Vec<i8>> {
        let bytes = self.blob(column, "a list of 8-bit integers")?;
        Ok(bytes.iter().map(|byte| byte.cast_signed()).collect())
    }

    fn read_text_list(&mut self, column: usize) -> Decoded<Vec<String>> {
        serde_json::from_str(self.text(column, "a list of texts")?)
            .map_err(|error| DecodeError::new(column, error.to_string()))
    }
}

fn mismatch(column: usize, expected: &str, found: ValueRef<'_>) -> DecodeError {
    DecodeError::new(column, format!("expected {expected}, found {}", found.data_type()))
}

/// Every value of a row, when its type is not at hand.
pub(crate) fn whole_row(definition: &TableDef, row: &Row<'_>) -> Decoded<EncodedRow> {
    row_at(definition, row, 0)
}

/// The same, of a row whose columns begin behind `offset` others.
pub(crate) fn row_at(definition: &TableDef, row: &Row<'_>, offset: usize) -> Decoded<EncodedRow> {
    let mut source = RowSource(row);
    // Collecting into a `Result` would not know how many there will be.
    let mut values = Vec::with_capacity(definition.columns.len());
    for (position, column) in definition.columns.iter().enumerate() {
        if source.is_null(offset + position) {
            values.push(Value::Null);
            continue;
        }
        let value = value(column.column_type, &mut source, offset + position);
        values.push(value.map_err(|error| error.at(position))?);
    }
    Ok(EncodedRow(values))
}

/// One value of a row, when its type is not at hand.
pub(crate) fn value(
    column_type: ColumnType,
    source: &mut RowSource<'_>,
    column: usize,
) -> Result<Value, DecodeError> {
    Ok(match column_type {
        ColumnType::Bool => Value::Bool(source.read_bool(column)?),
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
        ColumnType::F16List
        | ColumnType::Vector(VectorType { element: VectorElement::F16, .. }) => {
            Value::F16List(source.read_f16_list(column)?)
        }
        ColumnType::I8List | ColumnType::Vector(VectorType { element: VectorElement::I8, .. }) => {
            Value::I8List(source.read_i8_list(column)?)
        }
        ColumnType::FloatList | ColumnType::Vector(_) => {
            Value::FloatList(source.read_float_list(column)?)
        }
        // What is left are the integers.
        _ => Value::Int(source.read_int(column)?),
    })
}
