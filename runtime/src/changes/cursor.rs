//! Where in the log of a table's changes somebody is, as a token that outlives the process.

use std::{fmt, hash, str::FromStr, sync::Arc};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    definition::TableDef,
    error::{Error, Result},
};

/// The format's version; an unknown one is refused.
const VERSION: u8 = 1;
/// So many bytes come before the backend's part of a cursor.
const HEAD: usize = 1 + 1 + 8 + 16 + 8;

/// A place in a log, as its backend knows it: what comes after it is what is still to be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogPosition {
    /// Which log it is. One that is begun anew is another.
    pub log: Uuid,
    /// The number of the change before this place; numbers are never given twice in one log.
    pub id: u64,
    /// What else the backend needs to find the place, where the number is not enough.
    pub detail: Option<Arc<str>>,
}

impl LogPosition {
    /// What the backend noted beside the number; empty if it noted nothing.
    pub fn detail(&self) -> &str {
        self.detail.as_deref().unwrap_or_default()
    }
}

/// What a cursor stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Behind {
    /// A change, which is known by its number.
    Change,
    /// Everything that had happened at some time.
    Time,
    /// A part of a snapshot, which begins again from there.
    Snapshot,
}

/// Where somebody is who follows a table's changes: an opaque token in the alphabet of URLs.
///
/// Stored with what was made of the change, as text or with serde, it lets a program go on after
/// a crash: give it to [`Since::After`](crate::Since::After). Two cursors are equal when they
/// stand behind the same change, so that what was delivered twice can be told.
///
/// ```
/// use storehouse::{ChangeCursor, prelude::*};
///
/// #[derive(Table, Clone, Debug)]
/// #[table(changes)]
/// struct Note {
///     #[table(key)]
///     id: i64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let notes = storehouse::open("memory:").await?.tabular::<Note>().await?;
/// notes.setup_database().await?;
/// let mut changes = notes.changes(Since::Now).await?;
/// notes.put(Note { id: 1 }).await?;
/// notes.put(Note { id: 2 }).await?;
///
/// let first = changes.try_next().await?.unwrap();
/// let stored = first.cursor.to_string();
/// drop(changes);
///
/// let cursor: ChangeCursor = stored.parse()?;
/// let mut resumed = notes.changes(Since::After(cursor)).await?;
/// assert_eq!(resumed.try_next().await?.unwrap().key, Some(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ChangeCursor {
    behind: Behind,
    /// Tells the table from others.
    table: u64,
    position: LogPosition,
}

impl ChangeCursor {
    pub(crate) fn new(behind: Behind, definition: &TableDef, position: LogPosition) -> Self {
        Self { behind, table: fingerprint(definition), position }
    }

    /// The cursor that stands before everything which a log still holds, for
    /// [`Error::lagged`]. Backends make it of the place where their log begins.
    pub fn oldest(definition: &TableDef, position: LogPosition) -> Self {
        Self::new(Behind::Time, definition, position)
    }

    /// The place, in the log of that table.
    ///
    /// Fails with [`Error::Validation`] when it is of another table.
    pub(crate) fn position(&self, definition: &TableDef) -> Result<&LogPosition> {
        if self.table == fingerprint(definition) {
            Ok(&self.position)
        } else {
            Err(Error::validation(
                "this cursor belongs to another table; give one of this table's changes",
            ))
        }
    }

    pub(crate) const fn behind(&self) -> Behind {
        self.behind
    }

    fn identity(&self) -> (Uuid, u64, &str) {
        let detail = if self.behind == Behind::Change { "" } else { self.position.detail() };
        (self.position.log, self.position.id, detail)
    }
}

impl PartialEq for ChangeCursor {
    fn eq(&self, other: &Self) -> bool {
        (self.behind, self.table) == (other.behind, other.table)
            && self.identity() == other.identity()
    }
}

impl Eq for ChangeCursor {}

impl hash::Hash for ChangeCursor {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        (self.behind, self.table).hash(state);
        self.identity().hash(state);
    }
}

impl fmt::Display for ChangeCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![
            VERSION,
            match self.behind {
                Behind::Change => b'c',
                Behind::Time => b't',
                Behind::Snapshot => b's',
            },
        ];
        bytes.extend(self.table.to_be_bytes());
        bytes.extend(self.position.log.as_bytes());
        bytes.extend(self.position.id.to_be_bytes());
        bytes.extend(self.position.detail().bytes());
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for ChangeCursor {
    type Err = Error;

    /// Fails with [`Error::Validation`] when it is not a cursor of a change.
    fn from_str(token: &str) -> Result<Self> {
        let malformed =
            || Error::validation("this is not a cursor of a change; give one that a change had");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| malformed())?;
        let (head, detail) = bytes.split_first_chunk::<HEAD>().ok_or_else(malformed)?;
        let [VERSION, behind, rest @ ..] = head else { return Err(malformed()) };
        let behind = match behind {
            b'c' => Behind::Change,
            b't' => Behind::Time,
            b's' => Behind::Snapshot,
            _ => return Err(malformed()),
        };
        let number = |from: usize| {
            rest[from..from + 8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
        };
        let log = Uuid::from_slice(&rest[8..24]).map_err(|_| malformed())?;
        let detail = str::from_utf8(detail).map_err(|_| malformed())?;
        let detail = (!detail.is_empty()).then(|| detail.into());
        let position = LogPosition { log, id: number(24), detail };
        Ok(Self { behind, table: number(0), position })
    }
}

impl From<ChangeCursor> for String {
    fn from(cursor: ChangeCursor) -> Self {
        cursor.to_string()
    }
}

impl TryFrom<String> for ChangeCursor {
    type Error = Error;

    fn try_from(token: String) -> Result<Self> {
        token.parse()
    }
}

/// FNV-1a, which is the same in every version of the program.
fn fingerprint(definition: &TableDef) -> u64 {
    definition.full_name().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_table;

    fn position(id: u64, detail: &str) -> LogPosition {
        LogPosition { log: Uuid::from_u128(7), id, detail: Some(detail.into()) }
    }

    #[test]
    fn a_cursor_comes_back_from_its_token() {
        let definition = test_table::definition();
        for behind in [Behind::Change, Behind::Time, Behind::Snapshot] {
            let cursor = ChangeCursor::new(behind, &definition, position(u64::MAX - 1, "1:2:"));
            let back: ChangeCursor = cursor.to_string().parse().unwrap();
            assert_eq!(back, cursor);
            assert_eq!(back.position(&definition).unwrap(), &position(u64::MAX - 1, "1:2:"));
            assert_eq!(back.behind(), behind);
            let json = serde_json::to_string(&cursor).unwrap();
            assert_eq!(serde_json::from_str::<ChangeCursor>(&json).unwrap(), cursor);
        }
    }

    #[test]
    fn cursors_behind_the_same_change_are_equal() {
        let definition = test_table::definition();
        let cursor =
            |behind, id, detail| ChangeCursor::new(behind, &definition, position(id, detail));
        assert_eq!(cursor(Behind::Change, 1, "a"), cursor(Behind::Change, 1, "b"));
        assert_ne!(cursor(Behind::Change, 1, "a"), cursor(Behind::Change, 2, "a"));
        assert_ne!(cursor(Behind::Time, 0, "a"), cursor(Behind::Time, 0, "b"));
        assert_ne!(cursor(Behind::Time, 1, "a"), cursor(Behind::Change, 1, "a"));
    }

    #[test]
    fn what_is_no_cursor_of_the_table_is_refused() {
        let definition = test_table::definition();
        for token in ["", "x", "!!", "AQ", &BASE64_URL_SAFE_NO_PAD.encode([9; HEAD])] {
            assert!(token.parse::<ChangeCursor>().is_err(), "{token}");
        }
        let other = definition.renamed("others");
        let cursor = ChangeCursor::oldest(&other, position(1, ""));
        assert!(cursor.position(&definition).unwrap_err().to_string().contains("another table"));
    }
}
