//! Entries, with and without their types.

use chrono::{DateTime, Utc};

use super::definition::{EXPIRES_AT, KEY, VALUE};
use crate::{
    codec::{ColumnSource, DecodeError},
    value::{EncodedKey, Value},
};

/// A key, its value, and until when they stay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<K, V> {
    /// The key.
    pub key: K,
    /// The value.
    pub value: V,
    /// When the entry expires, to the microsecond; `None` when it stays.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An entry without its types, on its way into a storage.
#[derive(Clone, Debug, PartialEq)]
pub struct KvEntry {
    /// The key.
    pub key: EncodedKey,
    /// The value, never NULL.
    pub value: Value,
    /// When it expires, in microseconds since 1970-01-01T00:00:00 UTC; `None` when it stays.
    pub expires_at: Option<i64>,
}

/// Which entries are wanted, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KvScan {
    /// Only keys that begin so; only where keys are text.
    pub prefix: Option<String>,
    /// Only keys after this one.
    pub after: Option<EncodedKey>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// When the entry that a source holds expires; the column is read.
pub(super) fn read_expiry(source: &mut dyn ColumnSource) -> Result<Option<i64>, DecodeError> {
    if source.is_null(EXPIRES_AT) { Ok(None) } else { source.read_date_time(EXPIRES_AT).map(Some) }
}

/// Whether something that expires then has expired at `now`.
pub(crate) fn is_expired(expires_at: Option<i64>, now: i64) -> bool {
    expires_at.is_some_and(|expires_at| expires_at <= now)
}

impl<K, V> Entry<K, V> {
    /// Reads an entry, unless it has expired.
    pub(super) fn read(
        source: &mut dyn ColumnSource,
        now: i64,
        key: impl FnOnce(&mut dyn ColumnSource, usize) -> Result<K, DecodeError>,
        value: impl FnOnce(&mut dyn ColumnSource, usize) -> Result<V, DecodeError>,
    ) -> Result<Option<Self>, DecodeError> {
        let expires_at = read_expiry(source)?;
        if is_expired(expires_at, now) {
            return Ok(None);
        }
        let key = key(source, KEY)?;
        let value = value(source, VALUE)?;
        let expires_at = expires_at.and_then(DateTime::from_timestamp_micros);
        Ok(Some(Self { key, value, expires_at }))
    }
}
