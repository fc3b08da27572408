//! How each column type is declared in PostgreSQL and named on the wire.

use std::borrow::Cow;

use storehouse_runtime::ColumnType;

/// A type's number on the wire, and that of an array of it.
///
/// Those of the types that come with PostgreSQL are the same in every database; they stand in
/// its `pg_type.dat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireType {
    pub(crate) one: u32,
    pub(crate) array: u32,
}

/// pgvector's `vector`, where the extension is installed. Its number differs from database to
/// database.
pub(crate) type Pgvector = Option<WireType>;

const TEXT: WireType = WireType { one: 25, array: 1009 };
const INT8: WireType = WireType { one: 20, array: 1016 };

/// The number of the type `integer` for limits and offsets.
pub(crate) const BIGINT: u32 = INT8.one;
/// The number of the type `double precision`.
pub(crate) const DOUBLE: u32 = 701;
/// The number of the type `text`.
pub(crate) const PLAIN_TEXT: u32 = TEXT.one;

/// The wire type of a column.
pub(crate) const fn wire(column_type: ColumnType, pgvector: Pgvector) -> WireType {
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
        ColumnType::Vector(_) if let Some(vector) = pgvector => return vector,
        ColumnType::FloatList | ColumnType::Vector(_) => (1021, 0),
        _ => return TEXT,
    };
    WireType { one, array }
}

/// What a column is declared as, as `format_type` writes it.
pub(crate) fn declared(column_type: ColumnType, has_pgvector: bool) -> Cow<'static, str> {
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
        ColumnType::Vector(vector) if has_pgvector => {
            return format!("vector({})", vector.dimension).into();
        }
        ColumnType::FloatList | ColumnType::Vector(_) => "real[]",
        _ => "text",
    })
}

/// Whether values of the column are arrays, which travel as text where many rows do.
pub(crate) const fn is_list(column_type: ColumnType) -> bool {
    matches!(column_type, ColumnType::TextList | ColumnType::FloatList | ColumnType::Vector(_))
}

/// Whether the column is a list of texts.
pub(crate) const fn is_texts(column_type: ColumnType) -> bool {
    matches!(column_type, ColumnType::TextList)
}

/// Whether the column is a vector.
pub(crate) const fn is_vector(column_type: ColumnType) -> bool {
    matches!(column_type, ColumnType::Vector(_))
}
