//! The keys of records.

use crate::{
    codec::{DecodeError, KeyColumn},
    table::{BorrowedAs, TableKey},
    value::{EncodedKey, Value},
};

/// The key of a [`Record`](super::Record): a value for each column of the key, in its order.
///
/// Where the key has one column, a reference to its value is enough: `table.get(&7_i64)`,
/// `table.get("A1")`. Where it has several, give them in the key's order:
/// `table.get(&RecordKey::from(("A1".to_owned(), 7_i64)))`. Whether they fit the key is checked
/// when it is used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(pub(super) EncodedKey);

impl RecordKey {
    /// The values, in the key's order.
    pub fn values(&self) -> &[Value] {
        self.0.values()
    }
}

#[diagnostic::do_not_recommend]
impl TableKey for RecordKey {
    fn encode(&self) -> EncodedKey {
        self.0.clone()
    }

    fn decode(key: EncodedKey) -> Result<Self, DecodeError> {
        Ok(Self(key))
    }
}

impl FromIterator<Value> for RecordKey {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<V: KeyColumn> BorrowedAs<V> for RecordKey {
    fn encode_borrowed(borrowed: &V) -> EncodedKey {
        EncodedKey::single(borrowed.to_value())
    }
}

impl BorrowedAs<str> for RecordKey {
    fn encode_borrowed(borrowed: &str) -> EncodedKey {
        EncodedKey::single(Value::Text(borrowed.to_owned()))
    }
}

impl BorrowedAs<[u8]> for RecordKey {
    fn encode_borrowed(borrowed: &[u8]) -> EncodedKey {
        EncodedKey::single(Value::Bytes(borrowed.to_vec()))
    }
}

impl<A: KeyColumn, B: KeyColumn> From<(A, B)> for RecordKey {
    fn from((a, b): (A, B)) -> Self {
        [a.into_value(), b.into_value()].into_iter().collect()
    }
}

impl<A: KeyColumn, B: KeyColumn, C: KeyColumn> From<(A, B, C)> for RecordKey {
    fn from((a, b, c): (A, B, C)) -> Self {
        [a.into_value(), b.into_value(), c.into_value()].into_iter().collect()
    }
}
