//! Entries on their way out: sealed as the database gives them, and opened.

use std::{any::Any, ops::ControlFlow, sync::Arc};

use super::Keys;
use crate::{
    codec::{self, ColumnSource, DecodeError, RowRef},
    column_type::ColumnType,
    error::Result,
    kv::KvDef,
    storage::{RowReceiver, RowSink},
    tabular::unwrap,
    value::{EncodedKey, Value},
};

/// The columns of an entry, by their positions in what a storage hands over.
const KEY: usize = 0;
const VALUE: usize = 1;
const EXPIRES_AT: usize = 2;

/// An entry as the database has it.
pub(super) struct SealedEntry {
    pub(super) key: EncodedKey,
    pub(super) sealed: Vec<u8>,
    pub(super) expires_at: Option<i64>,
}

impl SealedEntry {
    fn read(definition: &KvDef, source: &mut dyn ColumnSource) -> Result<Self, DecodeError> {
        let expires_at = codec::read_value(ColumnType::DateTime, source, EXPIRES_AT)?;
        let key = codec::read_value(definition.key_type(), source, KEY)?;
        Ok(Self {
            key: EncodedKey::single(key),
            sealed: source.read_bytes(VALUE)?,
            expires_at: match expires_at {
                Value::DateTime(expires_at) => Some(expires_at),
                _ => None,
            },
        })
    }
}

/// Opens what it is handed, and hands it on.
pub(super) struct Opening {
    definition: Arc<KvDef>,
    keys: Arc<Keys>,
    rows: RowSink,
}

impl Opening {
    pub(super) fn sink(definition: &Arc<KvDef>, keys: &Arc<Keys>, rows: RowSink) -> RowSink {
        Box::new(Self { definition: Arc::clone(definition), keys: Arc::clone(keys), rows })
    }

    pub(super) fn take(sink: RowSink) -> Result<RowSink> {
        Ok(unwrap::<Self>(sink)?.rows)
    }
}

impl RowReceiver for Opening {
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let SealedEntry { key, sealed, expires_at } = SealedEntry::read(&self.definition, source)?;
        let (name, value_type) = (self.definition.name(), self.definition.value_type());
        let value = (self.keys.open(name, &key, value_type, &sealed))
            .map_err(|message| DecodeError::new(VALUE, message))?;
        let mut row = key.into_values();
        row.extend([value, expires_at.map_or(Value::Null, Value::DateTime)]);
        self.rows.receive(position, &mut RowRef(&row))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Takes entries as the database has them, without what has expired.
pub(super) struct SealedEntries {
    definition: Arc<KvDef>,
    now: i64,
    entries: Vec<SealedEntry>,
}

impl SealedEntries {
    pub(super) fn sink(definition: &Arc<KvDef>, now: i64) -> RowSink {
        Box::new(Self { definition: Arc::clone(definition), now, entries: Vec::new() })
    }

    pub(super) fn take(sink: RowSink) -> Result<Vec<SealedEntry>> {
        Ok(unwrap::<Self>(sink)?.entries)
    }
}

impl RowReceiver for SealedEntries {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let entry = SealedEntry::read(&self.definition, source)?;
        if entry.expires_at.is_none_or(|expires_at| expires_at > self.now) {
            self.entries.push(entry);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
