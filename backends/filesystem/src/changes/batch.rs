//! The text of one file of a log: what one write did, each row as it was and as it is.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;
use storehouse_runtime::{ChangeKind, ColumnDef, EncodedRow, TableDef, Value};

use crate::codec;

/// What happened to one row; it is there before, after, or both.
pub(crate) struct Happened {
    pub(crate) old: Option<EncodedRow>,
    pub(crate) new: Option<EncodedRow>,
}

/// What one write did.
pub(super) struct Batch {
    /// When, in microseconds since 1970.
    pub(super) at: i64,
    pub(super) happened: Vec<Happened>,
}

#[derive(Deserialize)]
struct Parts<'a> {
    at: i64,
    #[serde(borrow)]
    changes: Vec<Rows<'a>>,
}

/// Of which only the number is of interest.
#[derive(Deserialize)]
struct Counted {
    changes: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Rows<'a> {
    #[serde(borrow, default)]
    old: Option<&'a RawValue>,
    #[serde(borrow, default)]
    new: Option<&'a RawValue>,
}

impl Happened {
    pub(crate) fn new(old: Option<&[Value]>, new: Option<&[Value]>) -> Self {
        let row = |row: &[Value]| EncodedRow(row.to_vec());
        Self { old: old.map(row), new: new.map(row) }
    }

    pub(super) const fn kind(&self) -> ChangeKind {
        match (&self.old, &self.new) {
            (None, _) => ChangeKind::Insert,
            (_, None) => ChangeKind::Delete,
            _ => ChangeKind::Update,
        }
    }
}

impl Batch {
    pub(super) fn text(&self, definition: &TableDef) -> Vec<u8> {
        let mut text = format!("{{\"at\": {}, \"changes\": [", self.at).into_bytes();
        for (position, Happened { old, new }) in self.happened.iter().enumerate() {
            text.extend(if position == 0 { "\n{" } else { ",\n{" }.bytes());
            let mut is_first = true;
            for (name, row) in [("\"old\": ", old), ("\"new\": ", new)] {
                let Some(row) = row else { continue };
                if !std::mem::take(&mut is_first) {
                    text.extend(b",\n");
                }
                text.extend(name.bytes());
                text.extend(codec::write_row(definition, &row.0).trim_ascii_end());
            }
            text.push(b'}');
        }
        text.extend(b"\n]}\n");
        text
    }

    /// Says what is wrong where it is none.
    pub(super) fn parse(columns: &[ColumnDef], text: &[u8]) -> Result<Self, String> {
        let parts: Parts<'_> = read(text)?;
        if parts.changes.is_empty() {
            return Err("it holds no change".to_owned());
        }
        let row = |row: Option<&RawValue>| -> Result<Option<EncodedRow>, String> {
            row.map(|row| codec::read_row(columns, row.get().as_bytes()).map(EncodedRow))
                .transpose()
        };
        let happened = parts.changes.into_iter().map(|Rows { old, new }| {
            let happened = Happened { old: row(old)?, new: row(new)? };
            if happened.old.is_none() && happened.new.is_none() {
                return Err("it has a change without a row".to_owned());
            }
            Ok(happened)
        });
        Ok(Self { at: parts.at, happened: happened.collect::<Result<_, _>>()? })
    }

    /// How many changes are in the text, whose rows are not looked at.
    pub(super) fn count(text: &[u8]) -> Result<u64, String> {
        match read::<Counted>(text)?.changes.len() {
            0 => Err("it holds no change".to_owned()),
            count => Ok(count as u64),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(text)
        .map_err(|error| format!("it is no part of a log of changes: {error}"))
}
