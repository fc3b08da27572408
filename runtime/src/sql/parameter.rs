//! What is bound to a placeholder.

use std::borrow::Cow;

use crate::{column_type::ColumnType, value::Value};

/// A value for a placeholder, borrowed from the command where it can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter<'a> {
    /// A value of the command, to be compared with a column or stored in it.
    Value {
        /// The column's position, which tells the type of a value that is NULL.
        column: usize,
        /// The value.
        value: &'a Value,
    },
    /// Text, as it is in the command or made from it, such as a translated pattern.
    Text(Cow<'a, str>),
    /// A limit, an offset, or an integer that an aggregate is compared with.
    Integer(i64),
    /// A number that an aggregate is compared with.
    Float(f64),
    /// Values that are bound as one array, so that the text does not depend on their number.
    List {
        /// The position of the column that they are compared with.
        column: usize,
        /// The values.
        values: &'a [Value],
    },
    /// A value that is compared with an expression, and with no column.
    Typed {
        /// The expression's type.
        column_type: ColumnType,
        /// The value.
        value: &'a Value,
    },
    /// Values that are compared with an expression, bound as one array.
    TypedList {
        /// The expression's type.
        column_type: ColumnType,
        /// The values.
        values: &'a [Value],
    },
}

impl Parameter<'_> {
    /// The values that stand for this where every placeholder takes one.
    pub(super) fn into_values(self) -> Vec<Value> {
        match self {
            Self::Value { value, .. } | Self::Typed { value, .. } => vec![value.clone()],
            Self::Text(text) => vec![Value::Text(text.into_owned())],
            Self::Integer(integer) => vec![Value::Int(integer)],
            Self::Float(number) => vec![Value::Float(number)],
            Self::List { values, .. } | Self::TypedList { values, .. } => values.to_vec(),
        }
    }

    /// Whether this is bound as an array.
    pub(super) const fn is_list(&self) -> bool {
        matches!(self, Self::List { .. } | Self::TypedList { .. })
    }
}
