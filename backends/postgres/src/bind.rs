//! From values to PostgreSQL's binary formats.
//!
//! Dates count from 2000 there, JSON has a version byte, and every number is big-endian; the
//! formats are those of the server's `*_recv` functions.

use std::io::{self, Write as _};

use serde::Serialize as _;
use serde_json::{Serializer, ser::CompactFormatter};
use sqlx::{
    Arguments as _, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, types::Oid},
};
use storehouse_runtime::{
    ColumnType, Error, RawParameter, Result, TableDef, Value,
    codec::{f16_to_f32, f32_to_f16},
    sql::Parameter,
};

use crate::{
    numeric,
    types::{BIGINT, DOUBLE, PLAIN_TEXT, Pgvector, REAL, SMALLINT, is_list, wire},
};

/// Days from 1970 to 2000.
pub(crate) const EPOCH_DAYS: i32 = 10_957;
/// Microseconds from 1970 to 2000.
pub(crate) const EPOCH_MICROSECONDS: i64 = 86_400_000_000 * EPOCH_DAYS as i64;

/// The arguments of a statement about one table.
pub(crate) struct Arguments<'t> {
    definition: &'t TableDef,
    pgvector: Pgvector,
    bound: PgArguments,
}

impl<'t> Arguments<'t> {
    pub(crate) fn new(definition: &'t TableDef, pgvector: Pgvector) -> Self {
        Self { definition, pgvector, bound: PgArguments::default() }
    }

    pub(crate) fn into_inner(self) -> PgArguments {
        self.bound
    }

    /// Binds a value of one column.
    pub(crate) fn value(&mut self, column: usize, value: &Value) -> Result<()> {
        let column_type = self.definition.columns[column].column_type;
        let oid = wire(column_type, self.pgvector).one;
        let is_pgvector = self.pgvector.of_column(column_type).is_some();
        let result = self.bound.add(One { oid, column_type, is_pgvector, value });
        result.map_err(|error| self.refused(column, &*error))
    }

    /// Binds values of one column as an array; where the column is a list itself, each as text.
    pub(crate) fn values<'v>(
        &mut self,
        column: usize,
        values: impl ExactSizeIterator<Item = &'v Value> + Clone,
    ) -> Result<()> {
        let column_type = self.definition.columns[column].column_type;
        let wire = if is_list(column_type) {
            wire(ColumnType::Text, self.pgvector)
        } else {
            wire(column_type, self.pgvector)
        };
        let many = Many { array: wire.array, element: wire.one, column_type, values };
        self.bound.add(many).map_err(|error| self.refused(column, &*error))
    }

    /// Binds what a command was rendered with.
    pub(crate) fn parameters(&mut self, parameters: &[Parameter<'_>]) -> Result<()> {
        for parameter in parameters {
            match parameter {
                Parameter::Value { column, value } => self.value(*column, value)?,
                Parameter::List { column, values } => self.values(*column, values.iter())?,
                Parameter::Text(text) => self.plain(PLAIN_TEXT, text.as_bytes())?,
                Parameter::Integer(integer) => self.plain(BIGINT, &integer.to_be_bytes())?,
                Parameter::Float(number) => self.plain(DOUBLE, &number.to_be_bytes())?,
                Parameter::Typed { column_type, value } => {
                    let (oid, is_pgvector) = (wire(*column_type, Pgvector::default()).one, false);
                    self.add(One { oid, column_type: *column_type, is_pgvector, value })?;
                }
                Parameter::TypedList { column_type, values } => {
                    let wire = wire(*column_type, Pgvector::default());
                    let (array, element) = (wire.array, wire.one);
                    let (column_type, values) = (*column_type, values.iter());
                    self.add(Many { array, element, column_type, values })?;
                }
            }
        }
        Ok(())
    }

    fn plain(&mut self, oid: u32, bytes: &[u8]) -> Result<()> {
        self.add(Plain { oid, bytes })
    }

    /// Binds what belongs to no column.
    fn add<'v, A: Encode<'v, Postgres> + Type<Postgres>>(&mut self, argument: A) -> Result<()> {
        self.bound.add(argument).map_err(|error| Error::validation(error.to_string()))
    }

    fn refused(&self, column: usize, error: &dyn std::error::Error) -> Error {
        refused(&self.definition.columns[column].name, error)
    }
}

/// The arguments of a statement of the program's own, each of the type of its value.
pub(crate) fn raw(parameters: &[RawParameter]) -> Result<PgArguments> {
    let mut bound = PgArguments::default();
    for (number, parameter) in (1..).zip(parameters) {
        let RawParameter { column_type, value } = parameter;
        let oid = wire(*column_type, Pgvector::default()).one;
        let one = One { oid, column_type: *column_type, is_pgvector: false, value };
        bound.add(one).map_err(|error| {
            Error::validation(format!("value number {number} cannot be bound: {error}"))
        })?;
    }
    Ok(bound)
}

/// Bytes that are in their format already.
struct Plain<'v> {
    oid: u32,
    bytes: &'v [u8],
}

struct One<'v> {
    oid: u32,
    column_type: ColumnType,
    /// Whether the column has one of pgvector's types.
    is_pgvector: bool,
    value: &'v Value,
}

struct Many<I> {
    array: u32,
    element: u32,
    column_type: ColumnType,
    values: I,
}

/// The type of an argument depends on its column, so it is always told by `produces`.
macro_rules! typed_by_value {
    ($($argument:ty $(, $parameter:ident)?;)*) => {$(
        impl $(<$parameter>)? Type<Postgres> for $argument {
            fn type_info() -> PgTypeInfo {
                PgTypeInfo::with_oid(Oid(PLAIN_TEXT))
            }
        }
    )*};
}
typed_by_value! {
    Plain<'_>;
    One<'_>;
    Many<I>, I;
}

impl Encode<'_, Postgres> for Plain<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(self.oid)))
    }
}

impl Encode<'_, Postgres> for One<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.value {
            Value::Null => return Ok(IsNull::Yes),
            value if self.is_pgvector => write_vector(value, buffer)?,
            value => write(value, self.column_type, buffer)?,
        }
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(self.oid)))
    }
}

impl<'v, I> Encode<'_, Postgres> for Many<I>
where
    I: ExactSizeIterator<Item = &'v Value> + Clone,
{
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        write_array_head(self.element, self.values.len(), buffer)?;
        for value in self.values.clone() {
            if value.is_null() {
                buffer.extend_from_slice(&(-1_i32).to_be_bytes());
                continue;
            }
            write_element(buffer, |buffer| match value {
                Value::TextList(list) => {
                    write_text_list_literal(list, buffer);
                    Ok(())
                }
                Value::FloatList(list) => {
                    write_list_literal(list, |number, buffer| write_float(*number, buffer), buffer)
                }
                Value::F16List(list) => {
                    let number =
                        |bits: &u16, buffer: &mut Vec<u8>| write_float(f16_to_f32(*bits), buffer);
                    write_list_literal(list, number, buffer)
                }
                Value::I8List(list) => {
                    let number = |number: &i8, buffer: &mut Vec<u8>| write!(buffer, "{number}");
                    write_list_literal(list, number, buffer)
                }
                value => write(value, self.column_type, buffer),
            })?;
        }
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(self.array)))
    }
}

type Written = Result<(), BoxDynError>;

/// Writes a value as a binary copy has it: its length, and then the value as it would be bound.
pub(crate) fn write_field(
    definition: &TableDef,
    column: usize,
    value: &Value,
    pgvector: Pgvector,
    buffer: &mut Vec<u8>,
) -> Result<()> {
    if value.is_null() {
        buffer.extend_from_slice(&(-1_i32).to_be_bytes());
        return Ok(());
    }
    let definition = &definition.columns[column];
    let column_type = definition.column_type;
    let is_pgvector = pgvector.of_column(column_type).is_some();
    let written = write_element(buffer, |buffer| match value {
        _ if is_pgvector => write_vector(value, buffer),
        _ => write(value, column_type, buffer),
    });
    written.map_err(|error| refused(&definition.name, &*error))
}

fn refused(column: &str, error: &dyn std::error::Error) -> Error {
    Error::validation(format!("column `{column}` cannot hold this value: {error}"))
}

fn write(value: &Value, column_type: ColumnType, buffer: &mut Vec<u8>) -> Written {
    match value {
        Value::Null => return Err("NULL has no bytes".into()),
        Value::Bool(value) => buffer.push(u8::from(*value)),
        Value::Int(value) => match wire(column_type, Pgvector::default()).one {
            21 => buffer.extend_from_slice(&i16::try_from(*value)?.to_be_bytes()),
            23 => buffer.extend_from_slice(&i32::try_from(*value)?.to_be_bytes()),
            _ => buffer.extend_from_slice(&value.to_be_bytes()),
        },
        #[expect(clippy::cast_possible_truncation, reason = "the value was an `f32` before")]
        Value::Float(value) => match column_type {
            ColumnType::F32 => buffer.extend_from_slice(&(*value as f32).to_be_bytes()),
            _ => buffer.extend_from_slice(&value.to_be_bytes()),
        },
        Value::Text(value) => buffer.extend_from_slice(value.as_bytes()),
        Value::Bytes(value) => buffer.extend_from_slice(value),
        Value::Uuid(value) => buffer.extend_from_slice(value.as_bytes()),
        Value::DateTime(value) => {
            let since = value.checked_sub(EPOCH_MICROSECONDS);
            let since = since.filter(|since| *since >= FIRST_MICROSECOND).ok_or(TOO_EARLY)?;
            buffer.extend_from_slice(&since.to_be_bytes());
        }
        Value::Date(value) => {
            let since = value.checked_sub(EPOCH_DAYS);
            let since = since.filter(|since| *since >= FIRST_DAY).ok_or(TOO_EARLY)?;
            buffer.extend_from_slice(&since.to_be_bytes());
        }
        Value::Time(value) => buffer.extend_from_slice(&value.to_be_bytes()),
        Value::Json(document) => write_json(document, buffer)?,
        Value::FloatList(list) => {
            write_array(REAL, list.iter().map(|number| number.to_be_bytes()), buffer)?;
        }
        Value::F16List(list) => {
            let numbers = list.iter().map(|&bits| f16_to_f32(bits).to_be_bytes());
            write_array(REAL, numbers, buffer)?;
        }
        Value::I8List(list) => {
            let numbers = list.iter().map(|&number| i16::from(number).to_be_bytes());
            write_array(SMALLINT, numbers, buffer)?;
        }
        Value::Decimal(number) => numeric::write(*number, buffer),
        Value::TextList(list) => {
            write_array_head(PLAIN_TEXT, list.len(), buffer)?;
            for text in list {
                write_element(buffer, |buffer| {
                    buffer.extend_from_slice(text.as_bytes());
                    Ok(())
                })?;
            }
        }
        other => return Err(format!("this version cannot store {}", other.kind()).into()),
    }
    Ok(())
}

/// 24 November 4714 BC, the first day that PostgreSQL has, counted from 2000.
const FIRST_DAY: i32 = -2_451_545;
const FIRST_MICROSECOND: i64 = 86_400_000_000 * FIRST_DAY as i64;
const TOO_EARLY: &str = "PostgreSQL has no date before 24 November 4714 BC; \
                         keep such a date as text or as a number";

/// Writes a length and what `write` writes.
fn write_element(buffer: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Written) -> Written {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    write(buffer)?;
    let length = i32::try_from(buffer.len() - start - 4)?;
    buffer[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// One dimension, without a mark for NULLs, which the server does not need, counted from 1.
fn write_array_head(element: u32, length: usize, buffer: &mut Vec<u8>) -> Written {
    let length = i32::try_from(length)?;
    buffer.extend_from_slice(&i32::from(length > 0).to_be_bytes());
    buffer.extend_from_slice(&0_i32.to_be_bytes());
    buffer.extend_from_slice(&element.to_be_bytes());
    if length > 0 {
        buffer.extend_from_slice(&length.to_be_bytes());
        buffer.extend_from_slice(&1_i32.to_be_bytes());
    }
    Ok(())
}

/// An array of numbers that have so many bytes each.
fn write_array<const BYTES: usize>(
    element: u32,
    numbers: impl ExactSizeIterator<Item = [u8; BYTES]>,
    buffer: &mut Vec<u8>,
) -> Written {
    write_array_head(element, numbers.len(), buffer)?;
    let length = i32::try_from(BYTES)?.to_be_bytes();
    for number in numbers {
        buffer.extend_from_slice(&length);
        buffer.extend_from_slice(&number);
    }
    Ok(())
}

/// pgvector's own format, of `vector` and of `halfvec`: the dimension, two unused bytes, and the
/// numbers.
fn write_vector(vector: &Value, buffer: &mut Vec<u8>) -> Written {
    let mut head = |length: usize| -> Written {
        buffer.extend_from_slice(&u16::try_from(length)?.to_be_bytes());
        buffer.extend_from_slice(&[0; 2]);
        Ok(())
    };
    match vector {
        Value::FloatList(list) => {
            head(list.len())?;
            for number in list {
                buffer.extend_from_slice(&number.to_be_bytes());
            }
        }
        Value::F16List(list) => {
            head(list.len())?;
            for bits in list {
                buffer.extend_from_slice(&bits.to_be_bytes());
            }
        }
        Value::I8List(list) => {
            head(list.len())?;
            for &number in list {
                let bits = f32_to_f16(number.into()).ok_or("half precision holds every `i8`")?;
                buffer.extend_from_slice(&bits.to_be_bytes());
            }
        }
        other => return Err(format!("{} is no vector", other.kind()).into()),
    }
    Ok(())
}

/// `{"a","b"}`.
fn write_text_list_literal(list: &[String], buffer: &mut Vec<u8>) {
    buffer.push(b'{');
    for (position, text) in list.iter().enumerate() {
        if position > 0 {
            buffer.push(b',');
        }
        buffer.push(b'"');
        for byte in text.bytes() {
            if matches!(byte, b'"' | b'\\') {
                buffer.push(b'\\');
            }
            buffer.push(byte);
        }
        buffer.push(b'"');
    }
    buffer.push(b'}');
}

/// `{5e-1,1e0}`.
fn write_list_literal<T>(
    list: &[T],
    write: impl Fn(&T, &mut Vec<u8>) -> io::Result<()>,
    buffer: &mut Vec<u8>,
) -> Written {
    buffer.push(b'{');
    for (position, number) in list.iter().enumerate() {
        if position > 0 {
            buffer.push(b',');
        }
        write(number, buffer)?;
    }
    buffer.push(b'}');
    Ok(())
}

/// In the shortest form that reads back the same.
fn write_float(number: f32, buffer: &mut Vec<u8>) -> io::Result<()> {
    write!(buffer, "{number:e}")
}

/// The version byte of `jsonb`, and the document.
fn write_json(document: &serde_json::Value, buffer: &mut Vec<u8>) -> Written {
    buffer.push(1);
    let mut serializer = Serializer::with_formatter(buffer, KeepFloats(CompactFormatter));
    document.serialize(&mut serializer)?;
    Ok(())
}

/// Writes floating-point numbers so that they come back as such.
///
/// `jsonb` keeps numbers as decimals: it knows `1.0` from `1`, but writes `1e16` as a one and
/// sixteen zeros, which is an integer when it is read. Spelt out with `.0` it stays what it was.
struct KeepFloats(CompactFormatter);

impl serde_json::ser::Formatter for KeepFloats {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let spelt_out = value.to_string();
        writer.write_all(spelt_out.as_bytes())?;
        if spelt_out.contains('.') { Ok(()) } else { writer.write_all(b".0") }
    }
}
