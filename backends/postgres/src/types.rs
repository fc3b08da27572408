//! How each column type is declared in PostgreSQL and named on the wire.

use std::borrow::Cow;

use storehouse_runtime::{ColumnType, VectorElement, VectorType};

/// A type's number on the wire, and that of an array of it.
///
/// Those of the types that come with PostgreSQL are the same in every database; they stand in
/// its `pg_type.dat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireType {
    pub(crate) one: u32,
    pub(crate) array: u32,
}

/// pgvector's types, where the extension is installed. Their numbers differ from database to
/// database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pgvector {
    /// `vector`, of `real` numbers.
    pub(crate) vector: Option<WireType>,
    /// `halfvec`, of half-precision numbers, which pgvector has since 0.7.
    pub(crate) halfvec: Option<WireType>,
}

impl Pgvector {
    /// Its type for vectors of these elements, with its name. A `halfvec` holds every `i8`, and
    /// pgvector has nothing smaller.
    pub(crate) const fn of(self, element: VectorElement) -> Option<(&'static str, WireType)> {
        match (element, self) {
            (VectorElement::F32, Self { vector: Some(vector), .. }) => Some(("vector", vector)),
            (VectorElement::F16 | VectorElement::I8, Self { halfvec: Some(halfvec), .. }) => {
                Some(("halfvec", halfvec))
            }
            _ => None,
        }
    }

    /// Its type for a column, with its name.
    pub(crate) const fn of_column(
        self,
        column_type: ColumnType,
    ) -> Option<(&'static str, WireType)> {
        match column_type {
            ColumnType::Vector(vector) => self.of(vector.element),
            _ => None,
        }
    }
}

const TEXT: WireType = WireType { one: 25, array: 1009 };
const INT8: WireType = WireType { one: 20, array: 1016 };

/// The number of the type `integer` for limits and offsets.
pub(crate) const BIGINT: u32 = INT8.one;
/// The number of the type `double precision`.
pub(crate) const DOUBLE: u32 = 701;
/// The number of the type `real`.
pub(crate) const REAL: u32 = 700;
/// The number of the type `smallint`.
pub(crate) const SMALLINT: u32 = 21;
/// The number of the type `text`.
pub(crate) const PLAIN_TEXT: u32 = TEXT.one;

/// The wire type of a column.
pub(crate) const fn wire(column_type: ColumnType, pgvector: Pgvector) -> WireType {
    if let Some((_, known)) = pgvector.of_column(column_type) {
        return known;
    }
    let (one, array) = match column_type {
        ColumnType::Bool => (16, 1000),
        ColumnType::I8 | ColumnType::I16 | ColumnType::U8 => (21, 1005),
        ColumnType::U16 | ColumnType::I32 => (23, 1007),
        ColumnType::U32 | ColumnType::I64 => return INT8,
        ColumnType::F32 => (700, 1021),
        ColumnType::F64 => (701, 1022),
        ColumnType::Bytes => (17, 1001),
        ColumnType::Uuid => (2950, 2951),
        ColumnType::DateTime => (1184, 1185),
        ColumnType::LocalDateTime => (1114, 1115),
        ColumnType::Date => (1082, 1182),
        ColumnType::Time => (1083, 1183),
        ColumnType::Json => (3802, 3807),
        // A list is an array, and PostgreSQL has no arrays of arrays of different lengths.
        ColumnType::TextList => (1009, 0),
        _ if is_i8s(column_type) => (1005, 0),
        ColumnType::FloatList | ColumnType::F16List | ColumnType::Vector(_) => (1021, 0),
        ColumnType::Decimal => (1700, 1231),
        _ => return TEXT,
    };
    WireType { one, array }
}

/// What a column is declared as, as `format_type` writes it.
pub(crate) fn declared(column_type: ColumnType, pgvector: Pgvector) -> Cow<'static, str> {
    if let ColumnType::Vector(vector) = column_type
        && let Some((name, _)) = pgvector.of(vector.element)
    {
        return format!("{name}({})", vector.dimension).into();
    }
    Cow::Borrowed(match column_type {
        ColumnType::Bool => "boolean",
        ColumnType::I8 | ColumnType::I16 | ColumnType::U8 => "smallint",
        ColumnType::U16 | ColumnType::I32 => "integer",
        ColumnType::U32 | ColumnType::I64 => "bigint",
        ColumnType::F32 => "real",
        ColumnType::F64 => "double precision",
        ColumnType::Bytes => "bytea",
        ColumnType::Uuid => "uuid",
        ColumnType::DateTime => "timestamp with time zone",
        ColumnType::LocalDateTime => "timestamp without time zone",
        ColumnType::Date => "date",
        ColumnType::Time => "time without time zone",
        ColumnType::Json => "jsonb",
        ColumnType::TextList => "text[]",
        _ if is_i8s(column_type) => "smallint[]",
        ColumnType::FloatList | ColumnType::F16List | ColumnType::Vector(_) => "real[]",
        ColumnType::Decimal => "numeric",
        _ => "text",
    })
}

/// Whether values of the column are arrays, which travel as text where many rows do.
pub(crate) const fn is_list(column_type: ColumnType) -> bool {
    matches!(
        column_type,
        ColumnType::TextList
            | ColumnType::FloatList
            | ColumnType::F16List
            | ColumnType::I8List
            | ColumnType::Vector(_)
    )
}

/// Whether the column is a list of 8-bit integers, a vector or not.
const fn is_i8s(column_type: ColumnType) -> bool {
    matches!(
        column_type,
        ColumnType::I8List | ColumnType::Vector(VectorType { element: VectorElement::I8, .. })
    )
}

/// What turns the text of a list into a value of its column: first into an array, and from there
/// into one of pgvector's types.
pub(crate) fn casts(column_type: ColumnType, pgvector: Pgvector) -> String {
    match pgvector.of_column(column_type) {
        Some((name, _)) => format!("::real[]::{name}"),
        None => format!("::{}", declared(column_type, pgvector)),
    }
}

/// Whether the column is a vector.
pub(crate) const fn is_vector(column_type: ColumnType) -> bool {
    matches!(column_type, ColumnType::Vector(_))
}
