//! What is bound to a placeholder.

use std::borrow::Cow;

use crate::value::Value;

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
    /// A limit or an offset.
    Integer(i64),
    /// Values that are bound as one array, so that the text does not depend on their number.
    List {
        /// The position of the column that they are compared with.
        column: usize,
        /// The values.
        values: &'a [Value],
    },
}

impl Parameter<'_> {
    /// The values that stand for this where every placeholder takes one.
    pub(super) fn into_values(self) -> Vec<Value> {
        match self {
            Self::Value { value, .. } => vec![value.clone()],
            Self::Text(text) => vec![Value::Text(text.into_owned())],
            Self::Integer(integer) => vec![Value::Int(integer)],
            Self::List { values, .. } => values.to_vec(),
        }
    }
}
