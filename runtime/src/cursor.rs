//! Cursors: where a page ended, as a token that can leave the process.
//!
//! A cursor holds the last row's values in the ordering's columns, and a fingerprint of the
//! table and the ordering, so that a cursor of one query cannot be used in another. Continuing
//! from values, and not from a count, is what makes a page neither skip nor repeat a row when
//! others write.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    decimal::DecimalValue,
    definition::TableDef,
    error::{Error, Result},
    order::{Direction, OrderTerm},
    value::Value,
};

/// The format's version; an unknown one is refused.
const VERSION: u8 = 1;

/// Where a page of a query ended: an opaque token in the alphabet of URLs.
///
/// It can be stored, sent to a client as text or with serde, and given to `after(..)` of a query
/// with the same table and ordering.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor that continues after a row with these values in the ordering's columns.
    pub(crate) fn new(definition: &TableDef, order: &[OrderTerm], values: &[Value]) -> Self {
        let mut bytes = vec![VERSION];
        bytes.extend(fingerprint(definition, order).to_be_bytes());
        for value in values {
            push_value(&mut bytes, value);
        }
        Self(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The values to continue after.
    ///
    /// Fails with [`Error::Validation`] when this is not a cursor of the table and ordering.
    pub(crate) fn values(&self, definition: &TableDef, order: &[OrderTerm]) -> Result<Vec<Value>> {
        let malformed = || Error::validation("this is not a cursor; give one that a page returned");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| malformed())?;
        let (&version, mut rest) = bytes.split_first().ok_or_else(malformed)?;
        if version != VERSION {
            return Err(malformed());
        }
        let found: [u8; 8] = take(&mut rest).ok_or_else(malformed)?;
        if u64::from_be_bytes(found) != fingerprint(definition, order) {
            return Err(Error::validation(
                "this cursor belongs to another table or another ordering; \
                 repeat the query that it came from, or begin again without it",
            ));
        }
        let values = (order.iter())
            .map(|term| {
                let value = take_value(&mut rest)?;
                definition.columns[term.column].check(&value).is_ok().then_some(value)
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(malformed)?;
        if rest.is_empty() { Ok(values) } else { Err(malformed()) }
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = std::convert::Infallible;

    /// Takes any text; whether it is a cursor of the query shows when it is used.
    fn from_str(token: &str) -> Result<Self, Self::Err> {
        Ok(Self(token.to_owned()))
    }
}

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): small, and the same in every
/// version of the program, which the standard library's hasher does not promise.
fn fingerprint(definition: &TableDef, order: &[OrderTerm]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = OFFSET;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    };
    add(definition.full_name().as_bytes());
    for term in order {
        add(definition.columns[term.column].name.as_bytes());
        add(match term.direction {
            Direction::Ascending => b"a",
            Direction::Descending => b"d",
        });
    }
    hash
}

/// A tag, then a fixed number of bytes, or a length and that many.
fn push_value(bytes: &mut Vec<u8>, value: &Value) {
    fn push(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) {
        bytes.push(tag);
        bytes.extend_from_slice(content);
    }
    fn push_long(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) {
        push(bytes, tag, &(content.len() as u64).to_be_bytes());
        bytes.extend_from_slice(content);
    }
    match value {
        Value::Bool(value) => push(bytes, 1, &[u8::from(*value)]),
        Value::Int(value) => push(bytes, 2, &value.to_be_bytes()),
        Value::Float(value) => push(bytes, 3, &value.to_bits().to_be_bytes()),
        Value::Text(value) => push_long(bytes, 4, value.as_bytes()),
        Value::Bytes(value) => push_long(bytes, 5, value),
        Value::Uuid(value) => push(bytes, 6, value.as_bytes()),
        Value::DateTime(value) => push(bytes, 7, &value.to_be_bytes()),
        Value::Date(value) => push(bytes, 8, &value.to_be_bytes()),
        Value::Time(value) => push(bytes, 9, &value.to_be_bytes()),
        Value::Decimal(value) => push_long(bytes, 10, &value.to_sort_key()),
        // The others have no order, so no cursor holds one; NULL is all that is left.
        _ => bytes.push(0),
    }
}

fn take_value(rest: &mut &[u8]) -> Option<Value> {
    let [tag] = take(rest)?;
    Some(match tag {
        0 => Value::Null,
        1 => Value::Bool(take::<1>(rest)?[0] != 0),
        2 => Value::Int(i64::from_be_bytes(take(rest)?)),
        3 => Value::Float(f64::from_bits(u64::from_be_bytes(take(rest)?))),
        4 => Value::Text(String::from_utf8(take_long(rest)?).ok()?),
        5 => Value::Bytes(take_long(rest)?),
        6 => Value::Uuid(Uuid::from_bytes(take(rest)?)),
        7 => Value::DateTime(i64::from_be_bytes(take(rest)?)),
        8 => Value::Date(i32::from_be_bytes(take(rest)?)),
        9 => Value::Time(i64::from_be_bytes(take(rest)?)),
        10 => Value::Decimal(DecimalValue::from_sort_key(&take_long(rest)?)?),
        _ => return None,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk::<N>()?;
    *rest = left;
    Some(*taken)
}

fn take_long(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = usize::try_from(u64::from_be_bytes(take(rest)?)).ok()?;
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_table;

    #[test]
    fn a_cursor_gives_back_its_values() {
        let definition = test_table::definition();
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(-0.5),
            Value::Text("é;'\"".into()),
            Value::Bytes(vec![0, 255]),
            Value::Uuid(Uuid::from_u128(7)),
            Value::DateTime(-1),
            Value::Date(-1),
            Value::Time(1),
            Value::Decimal(DecimalValue::new(-105, 2).unwrap()),
        ];
        let mut bytes = Vec::new();
        for value in &values {
            push_value(&mut bytes, value);
        }
        let mut rest = bytes.as_slice();
        for value in values {
            assert_eq!(take_value(&mut rest), Some(value));
        }
        assert!(rest.is_empty());

        let order = [OrderTerm { column: 0, direction: Direction::Ascending }];
        let cursor = Cursor::new(&definition, &order, &[Value::Int(7)]);
        assert_eq!(cursor.values(&definition, &order).unwrap(), [Value::Int(7)]);

        let token = cursor.to_string();
        assert_eq!(token, cursor.as_str());
        assert_eq!(token.parse::<Cursor>().unwrap(), cursor);
        let json = serde_json::to_string(&cursor).unwrap();
        assert_eq!(json, format!("\"{token}\""));
        assert_eq!(serde_json::from_str::<Cursor>(&json).unwrap(), cursor);
    }

    #[test]
    fn a_cursor_of_another_query_is_refused() {
        let definition = test_table::definition();
        let order = [OrderTerm { column: 0, direction: Direction::Ascending }];
        let cursor = Cursor::new(&definition, &order, &[Value::Int(7)]);
        let backwards = [OrderTerm { column: 0, direction: Direction::Descending }];
        assert!(cursor.values(&definition, &backwards).is_err());
        assert!(cursor.values(&definition.renamed("other"), &order).is_err());
        let wrong_type = Cursor::new(&definition, &order, &[Value::Text("7".into())]);
        assert!(wrong_type.values(&definition, &order).is_err());
        let too_long = Cursor::new(&definition, &order, &[Value::Int(7), Value::Int(7)]);
        assert!(too_long.values(&definition, &order).is_err());
        for token in ["", "!", "AQ", "AgAAAAAAAAAAAA"] {
            let cursor: Cursor = token.parse().unwrap();
            let error = cursor.values(&definition, &order).unwrap_err();
            assert!(error.to_string().contains("not a cursor"), "{error}");
        }
    }
}
