//! The types that a column can have, as data.

/// A column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// `bool`.
    Bool,
    /// `i8`.
    I8,
    /// `i16`.
    I16,
    /// `i32`.
    I32,
    /// `i64`.
    I64,
    /// `u8`.
    U8,
    /// `u16`.
    U16,
    /// `u32`.
    U32,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `rust_decimal::Decimal`, by its value.
    Decimal,
    /// `String`.
    Text,
    /// `Vec<u8>`.
    Bytes,
    /// `uuid::Uuid`.
    Uuid,
    /// An instant, such as `chrono::DateTime<Utc>`, to the microsecond.
    DateTime,
    /// A date and a time of day, such as `chrono::NaiveDateTime`, to the microsecond.
    LocalDateTime,
    /// A date, such as `chrono::NaiveDate`.
    Date,
    /// A time of day, such as `chrono::NaiveTime`, to the microsecond.
    Time,
    /// Any serde type, as JSON.
    Json,
    /// `Vec<String>`.
    TextList,
    /// `Vec<f32>` of any length, or `[f32; N]`.
    FloatList,
    /// `Vec<half::f16>` of any length, or `[half::f16; N]`.
    F16List,
    /// `Vec<i8>` of any length, or `[i8; N]`.
    I8List,
    /// A list of numbers of a fixed length that can be searched by similarity.
    Vector(VectorType),
}

/// A vector column's dimension, metric and element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VectorType {
    /// How many elements each vector has.
    pub dimension: u32,
    /// How two vectors are compared.
    pub metric: Metric,
    /// How an element is stored.
    pub element: VectorElement,
}

/// How two vectors are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// The angle between them.
    #[default]
    Cosine,
    /// The Euclidean distance.
    L2,
    /// The dot product.
    Dot,
}

impl Metric {
    /// The name used in attributes and in JSON Schema.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::L2 => "l2",
            Self::Dot => "dot",
        }
    }
}

/// How a vector's element is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VectorElement {
    /// 32-bit floating point: the field is a `Vec<f32>`.
    #[default]
    F32,
    /// 16-bit floating point: the field is a `Vec<half::f16>`.
    F16,
    /// 8-bit integers: the field is a `Vec<i8>`.
    I8,
}

impl VectorElement {
    /// The name used in attributes and in JSON Schema.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::I8 => "i8",
        }
    }
}

impl ColumnType {
    /// The Rust type's name, for messages.
    pub const fn rust_name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Decimal => "Decimal",
            Self::Text => "String",
            Self::Bytes => "Vec<u8>",
            Self::Uuid => "Uuid",
            Self::DateTime => "DateTime<Utc>",
            Self::LocalDateTime => "NaiveDateTime",
            Self::Date => "NaiveDate",
            Self::Time => "NaiveTime",
            Self::Json => "JSON",
            Self::TextList => "Vec<String>",
            Self::FloatList | Self::Vector(VectorType { element: VectorElement::F32, .. }) => {
                "Vec<f32>"
            }
            Self::F16List | Self::Vector(VectorType { element: VectorElement::F16, .. }) => {
                "Vec<f16>"
            }
            Self::I8List | Self::Vector(VectorType { element: VectorElement::I8, .. }) => "Vec<i8>",
        }
    }

    /// The smallest and the greatest integer that the type holds, for integer types.
    pub const fn integer_range(self) -> Option<(i64, i64)> {
        Some(match self {
            Self::I8 => (i8::MIN as i64, i8::MAX as i64),
            Self::I16 => (i16::MIN as i64, i16::MAX as i64),
            Self::I32 => (i32::MIN as i64, i32::MAX as i64),
            Self::I64 => (i64::MIN, i64::MAX),
            Self::U8 => (0, u8::MAX as i64),
            Self::U16 => (0, u16::MAX as i64),
            Self::U32 => (0, u32::MAX as i64),
            _ => return None,
        })
    }

    /// Whether rows can be ordered, and so paged, by a column of this type.
    pub const fn is_ordered(self) -> bool {
        !matches!(
            self,
            Self::Json
                | Self::TextList
                | Self::FloatList
                | Self::F16List
                | Self::I8List
                | Self::Vector(_)
        )
    }
}
