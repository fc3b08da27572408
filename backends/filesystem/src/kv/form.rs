//! What is in a file: an entry as JSON, or a value's bytes.

use storehouse_runtime::{EncodedKey, Error, Result, Value, kv::KvDef};

use crate::{
    codec,
    definition::Kind,
    names::{key_from_name, key_from_path, key_path},
    watch::{ENDING, file_name},
};

/// The form of a store's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// An object of JSON with `key`, `value` and `expires_at`.
    Json,
    /// The value, byte for byte; the key is the path.
    Raw,
}

/// An entry as it was found.
pub(super) struct Entry {
    pub(super) key: EncodedKey,
    pub(super) value: Value,
    pub(super) expires_at: Option<i64>,
}

impl Entry {
    pub(super) fn is_expired(&self, now: i64) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

impl Form {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Json => Kind::JsonKv,
            Self::Raw => Kind::RawKv,
        }
    }

    /// Where the file of a key is.
    pub(super) fn place(self, key: &EncodedKey) -> String {
        match (self, key.values()) {
            (Self::Raw, [Value::Text(key)]) => key_path(key),
            _ => file_name(key),
        }
    }

    /// The key of the file at a place, where the place tells.
    pub(super) fn key_of(self, place: &str, definition: &KvDef) -> Option<EncodedKey> {
        match self {
            Self::Raw => Some(EncodedKey::single(Value::Text(key_from_path(place)?))),
            Self::Json => key_from_name(place.strip_suffix(ENDING)?, definition.key_type()),
        }
    }

    /// What to write into an entry's file.
    pub(super) fn text(self, definition: &KvDef, entry: &Entry) -> Result<Vec<u8>> {
        match (self, &entry.value) {
            (Self::Raw, _) if entry.expires_at.is_some() => Err(Error::unsupported(
                "put_with_time_to_live",
                crate::NAME,
                "a raw file has no place for it; use `store.kv(..)`, which keeps entries as JSON",
            )),
            (Self::Raw, Value::Bytes(bytes)) => Ok(bytes.clone()),
            (Self::Raw, _) => Err(Error::validation("raw files hold values of `Vec<u8>`")),
            (Self::Json, value) => {
                let columns = &definition.table().columns;
                let expires_at = entry.expires_at.map(Value::DateTime);
                let mut members = vec![(&columns[0], &entry.key.values()[0]), (&columns[1], value)];
                members.extend(expires_at.as_ref().map(|at| (&columns[2], at)));
                Ok(codec::write_members(members))
            }
        }
    }

    /// What is in a file. Says why where it is no entry, or is one of another key.
    pub(super) fn parse(
        self,
        definition: &KvDef,
        key: Option<&EncodedKey>,
        text: Vec<u8>,
    ) -> Result<Entry, String> {
        if self == Self::Raw {
            let key = key.ok_or("no key has this path")?.clone();
            return Ok(Entry { key, value: Value::Bytes(text), expires_at: None });
        }
        let members = codec::read_object(&text)?;
        let columns = &definition.table().columns[..3];
        if let Some(name) =
            members.keys().find(|name| columns.iter().all(|column| column.name != **name))
        {
            return Err(format!("it has `{name}`; an entry has `key`, `value` and `expires_at`"));
        }
        let found = EncodedKey::single(codec::member(&columns[0], &members)?);
        if key.is_some_and(|key| *key != found) {
            let expected = self.place(&found);
            return Err(format!(
                "its key is that of `{expected}`; rename it, or change the key in it"
            ));
        }
        let value = codec::member(&columns[1], &members)?;
        let expires_at = match codec::member(&columns[2], &members)? {
            Value::DateTime(at) => Some(at),
            _ => None,
        };
        Ok(Entry { key: found, value, expires_at })
    }
}
