//! From PostgreSQL's binary formats to values: a row of a result as a source of columns.

use std::borrow::Cow;

use sqlx::{
    Row as _, ValueRef as _,
    postgres::{PgRow, PgValueFormat, PgValueRef},
};
use storehouse_runtime::{
    ColumnDef, ColumnSource, ColumnType, DecimalValue, DecodeError, EncodedRow, TableDef, Value,
    VectorElement, VectorType,
    codec::{JsonColumn, f16_to_f32, f32_to_f16},
};
use uuid::Uuid;

use crate::{
    bind::{EPOCH_DAYS, EPOCH_MICROSECONDS},
    numeric,
};

type Decoded<T> = Result<T, DecodeError>;

/// The current row of a statement, read by position.
pub(crate) struct RowSource<'r>(pub(crate) &'r PgRow);

impl<'r> RowSource<'r> {
    fn bytes(&self, column: usize, expected: &'static str) -> Decoded<&'r [u8]> {
        // By reference from here on: to move a value of the driver's takes longer than to read it.
        let value: &Result<PgValueRef<'r>, _> = &self.0.try_get_raw(column);
        let value = match value {
            Ok(value) => value,
            Err(error) => {
                return Err(DecodeError::new(column, format!("cannot be read: {error}")));
            }
        };
        if value.is_null() {
            return Err(DecodeError::new(column, format!("expected {expected}, found NULL")));
        }
        if value.format() == PgValueFormat::Text {
            return Err(DecodeError::new(column, "came as text, which is read for no column"));
        }
        value.as_bytes().map_err(|error| DecodeError::new(column, error.to_string()))
    }

    fn exactly<const N: usize>(&self, column: usize, expected: &'static str) -> Decoded<[u8; N]> {
        let bytes = self.bytes(column, expected)?;
        bytes.try_into().map_err(|_| wrong_length(column, expected, bytes.len()))
    }

    fn text(&self, column: usize, expected: &'static str) -> Decoded<&'r str> {
        let bytes = self.bytes(column, expected)?;
        str::from_utf8(bytes).map_err(|error| DecodeError::new(column, error.to_string()))
    }
}

impl ColumnSource for RowSource<'_> {
    fn is_null(&mut self, column: usize) -> bool {
        self.0.try_get_raw(column).is_ok_and(|value| value.is_null())
    }

    fn read_bool(&mut self, column: usize) -> Decoded<bool> {
        Ok(self.exactly::<1>(column, "a bool")? != [0])
    }

    fn read_int(&mut self, column: usize) -> Decoded<i64> {
        // A table made elsewhere may have wider or narrower columns.
        let bytes = self.bytes(column, "an integer")?;
        if let Ok(&wide) = bytes.try_into() {
            return Ok(i64::from_be_bytes(wide));
        }
        match *bytes {
            [a, b] => Ok(i16::from_be_bytes([a, b]).into()),
            [a, b, c, d] => Ok(i32::from_be_bytes([a, b, c, d]).into()),
            _ => Err(wrong_length(column, "an integer", bytes.len())),
        }
    }

    fn read_float(&mut self, column: usize) -> Decoded<f64> {
        let bytes = self.bytes(column, "a number")?;
        if let Ok(&wide) = bytes.try_into() {
            return Ok(f64::from_be_bytes(wide));
        }
        match *bytes {
            [a, b, c, d] => Ok(f32::from_be_bytes([a, b, c, d]).into()),
            _ => Err(wrong_length(column, "a number", bytes.len())),
        }
    }

    fn read_decimal(&mut self, column: usize) -> Decoded<DecimalValue> {
        numeric::read(self.bytes(column, "a decimal number")?).ok_or_else(|| {
            DecodeError::new(column, "expected a number of up to 28 digits, found another")
        })
    }

    fn read_text(&mut self, column: usize) -> Decoded<String> {
        self.text(column, "text").map(str::to_owned)
    }

    fn read_bytes(&mut self, column: usize) -> Decoded<Vec<u8>> {
        self.bytes(column, "bytes").map(<[u8]>::to_vec)
    }

    fn read_uuid(&mut self, column: usize) -> Decoded<Uuid> {
        self.exactly::<16>(column, "a UUID").map(Uuid::from_bytes)
    }

    fn read_date_time(&mut self, column: usize) -> Decoded<i64> {
        let since = i64::from_be_bytes(self.exactly(column, "a date-time")?);
        let since = since.checked_add(EPOCH_MICROSECONDS).filter(|_| since != i64::MIN);
        since.ok_or_else(|| infinite(column))
    }

    fn read_date(&mut self, column: usize) -> Decoded<i32> {
        let since = i32::from_be_bytes(self.exactly(column, "a date")?);
        let since = since.checked_add(EPOCH_DAYS).filter(|_| since != i32::MIN);
        since.ok_or_else(|| infinite(column))
    }

    fn read_time(&mut self, column: usize) -> Decoded<i64> {
        self.exactly(column, "a time of day").map(i64::from_be_bytes)
    }

    fn read_json(&mut self, column: usize) -> Decoded<JsonColumn<'_>> {
        // `jsonb` begins with its version, `json` does not.
        let text = self.text(column, "JSON")?;
        Ok(JsonColumn::Text(Cow::Borrowed(text.strip_prefix('\u{1}').unwrap_or(text))))
    }

    fn read_float_list(&mut self, column: usize) -> Decoded<Vec<f32>> {
        let bytes = self.bytes(column, "a list of numbers")?;
        if is_array(bytes) {
            let number = |bytes: &[u8]| bytes.try_into().map(f32::from_be_bytes).ok();
            return elements(column, bytes, number);
        }
        vector(column, bytes, |number| Some(f32::from_be_bytes(number)))
    }

    fn read_f16_list(&mut self, column: usize) -> Decoded<Vec<u16>> {
        let bytes = self.bytes(column, "a list of half-precision numbers")?;
        if is_array(bytes) {
            let number = |bytes: &[u8]| bytes.try_into().map(f32::from_be_bytes).ok();
            return elements(column, bytes, |bytes| number(bytes).and_then(f32_to_f16));
        }
        vector(column, bytes, |number| Some(u16::from_be_bytes(number)))
    }

    fn read_i8_list(&mut self, column: usize) -> Decoded<Vec<i8>> {
        let bytes = self.bytes(column, "a list of 8-bit integers")?;
        if is_array(bytes) {
            let number = |bytes: &[u8]| bytes.try_into().map(i16::from_be_bytes).ok();
            return elements(column, bytes, |bytes| i8::try_from(number(bytes)?).ok());
        }
        vector(column, bytes, |number| {
            let number = f16_to_f32(u16::from_be_bytes(number));
            // Saturating, so that the comparison tells what is no `i8`.
            #[expect(clippy::cast_possible_truncation, reason = "which is what is looked for")]
            let integer = number as i8;
            #[expect(clippy::float_cmp, reason = "whether it is one exactly")]
            let is_exact = f32::from(integer) == number;
            is_exact.then_some(integer)
        })
    }

    fn read_text_list(&mut self, column: usize) -> Decoded<Vec<String>> {
        let text = |bytes: &[u8]| str::from_utf8(bytes).ok().map(str::to_owned);
        elements(column, self.bytes(column, "a list of texts")?, text)
    }
}

fn wrong_length(column: usize, expected: &str, found: usize) -> DecodeError {
    DecodeError::new(column, format!("expected {expected}, found {found} bytes"))
}

fn infinite(column: usize) -> DecodeError {
    DecodeError::new(column, "expected a point in time, found infinity")
}

/// An array begins with its number of dimensions, 0 or 1, in four bytes; a vector with its
/// dimension, which is never 0, in two.
const fn is_array(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, ..])
}

/// The numbers of one of pgvector's types, which follow its dimension and two unused bytes.
fn vector<const BYTES: usize, T>(
    column: usize,
    bytes: &[u8],
    read: impl Fn([u8; BYTES]) -> Option<T>,
) -> Decoded<Vec<T>> {
    let parse = || {
        let (dimension, rest) = bytes.split_first_chunk()?;
        let (numbers, []) = rest.get(2..)?.as_chunks() else { return None };
        if numbers.len() != usize::from(u16::from_be_bytes(*dimension)) {
            return None;
        }
        numbers.iter().map(|&number| read(number)).collect()
    };
    parse().ok_or_else(|| {
        DecodeError::new(column, "expected a list of numbers, found one of other numbers")
    })
}

/// The elements of an array of one dimension; none of them is NULL.
fn elements<T>(column: usize, bytes: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Decoded<Vec<T>> {
    let parse = || {
        let (dimensions, rest) = integer(bytes)?;
        if dimensions == 0 {
            return Some(Vec::new());
        }
        // A mark for NULLs and the type of the elements.
        let (length, rest) = integer(rest.get(8..)?)?;
        // Where counting begins.
        let mut rest = rest.get(4..)?;
        let mut elements = Vec::with_capacity(usize::try_from(length).ok()?.min(rest.len()));
        for _ in 0..length {
            let (size, after) = integer(rest)?;
            let (element, after) = after.split_at_checked(usize::try_from(size).ok()?)?;
            elements.push(read(element)?);
            rest = after;
        }
        (dimensions == 1).then_some(elements)
    };
    parse().ok_or_else(|| {
        DecodeError::new(column, "expected a list without NULLs, found an array of another form")
    })
}

fn integer(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let (integer, rest) = bytes.split_first_chunk()?;
    Some((i32::from_be_bytes(*integer), rest))
}

/// Every value of a row, when its type is not at hand.
pub(crate) fn whole_row(definition: &TableDef, row: &PgRow) -> Decoded<EncodedRow> {
    let column = |(position, column): (usize, &ColumnDef)| value(column.column_type, row, position);
    definition.columns.iter().enumerate().map(column).collect::<Result<_, _>>().map(EncodedRow)
}

/// One value of a row.
pub(crate) fn value(column_type: ColumnType, row: &PgRow, column: usize) -> Decoded<Value> {
    let mut source = RowSource(row);
    if source.is_null(column) {
        return Ok(Value::Null);
    }
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
