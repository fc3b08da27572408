//! One change, with its type.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    cursor::{Behind, ChangeCursor, LogPosition},
    log::{ChangeKind, LoggedChange},
};
use crate::{
    codec::RowRef,
    definition::TableDef,
    error::Result,
    table::{Row, TableKey},
    value::EncodedRow,
};

/// What happened to one row, or, in a snapshot, a row that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change<T: Row> {
    /// What happened.
    pub kind: ChangeKind,
    /// The row's key; `None` only where the kind is [`ChangeKind::SnapshotEnd`].
    pub key: Option<T::Key>,
    /// The row as it was: of updates and deletes.
    pub old: Option<T>,
    /// The row as it is: of inserts, updates and rows of a snapshot.
    pub new: Option<T>,
    /// Stands behind this change. In a snapshot it stands before its first row, since a part of
    /// one is of no use.
    pub cursor: ChangeCursor,
    /// When it was written; in a snapshot, when that was taken. By the database's clock.
    pub at: DateTime<Utc>,
}

/// From where on changes are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Since {
    /// What is committed from now on.
    Now,
    /// First the rows that are there, each as a [`ChangeKind::Current`], then a
    /// [`ChangeKind::SnapshotEnd`], then what is committed from then on. Between the two nothing
    /// is missing and nothing comes twice.
    ///
    /// The rows wait in memory until they are taken.
    Snapshot,
    /// What was committed after the change that a cursor stands behind.
    After(ChangeCursor),
}

impl LoggedChange {
    pub(super) fn typed<T: Row>(&self, definition: &Arc<TableDef>) -> Result<Change<T>> {
        let key = self.new.as_ref().or(self.old.as_ref());
        Ok(Change {
            kind: self.kind,
            key: key.map(|row| key_of::<T>(definition, row)).transpose()?,
            old: self.old.as_ref().map(|row| decode(definition, row)).transpose()?,
            new: self.new.as_ref().map(|row| decode(definition, row)).transpose()?,
            cursor: self.cursor(definition),
            at: DateTime::from_timestamp_micros(self.at).unwrap_or_default(),
        })
    }

    pub(crate) fn cursor(&self, definition: &TableDef) -> ChangeCursor {
        let behind = match self.kind {
            ChangeKind::Current => Behind::Snapshot,
            ChangeKind::SnapshotEnd => Behind::Time,
            _ => Behind::Change,
        };
        ChangeCursor::new(behind, definition, self.position.clone())
    }

    /// What a snapshot consists of.
    pub(super) fn of_snapshot(
        rows: Vec<EncodedRow>,
        position: &LogPosition,
    ) -> impl Iterator<Item = Self> {
        let at = Utc::now().timestamp_micros();
        let end = Self {
            kind: ChangeKind::SnapshotEnd,
            at,
            old: None,
            new: None,
            position: position.clone(),
        };
        let current = move |(row, position)| Self {
            kind: ChangeKind::Current,
            at,
            old: None,
            new: Some(row),
            position,
        };
        let places = std::iter::repeat_n(position.clone(), rows.len());
        rows.into_iter().zip(places).map(current).chain(std::iter::once(end))
    }
}

fn decode<T: Row>(definition: &Arc<TableDef>, row: &EncodedRow) -> Result<T> {
    T::decode(definition, &mut RowRef(&row.0)).map_err(|error| error.into_error(definition))
}

fn key_of<T: Row>(definition: &Arc<TableDef>, row: &EncodedRow) -> Result<T::Key> {
    let key = row.key(&definition.key);
    T::Key::decode(key).map_err(|error| error.into_error(definition))
}
