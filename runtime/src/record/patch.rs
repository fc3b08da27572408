//! Partial updates of records.

use serde_json::Value as Json;

use super::{IntoRecordValue, named, unknown};
use crate::{
    definition::{TableDef, from_json::kind},
    error::{Error, Result},
    patch::{Assignment, AssignmentKind},
    value::Value,
};

/// Which columns of a [`Record`](super::Record) change, and to what. What it does not name stays.
///
/// ```
/// use storehouse::RecordPatch;
///
/// let patch = RecordPatch::new().set("price", 8.5).set("note", None::<String>);
/// # let _ = patch;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordPatch {
    values: Vec<(String, Value, AssignmentKind)>,
}

impl RecordPatch {
    /// A patch that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a column this value; `None` of an `Option` is NULL. Whether it fits is checked when
    /// the patch is used.
    #[must_use]
    pub fn set(mut self, column: impl Into<String>, value: impl IntoRecordValue) -> Self {
        self.values.push((column.into(), value.into_record_value(), AssignmentKind::Set));
        self
    }

    /// Adds to what is stored, where it is stored; see [`increment`](crate::increment). An integer
    /// column takes an integer, an `f64` column an `f64`.
    #[must_use]
    pub fn increment(mut self, column: impl Into<String>, by: impl IntoRecordValue) -> Self {
        self.values.push((column.into(), by.into_record_value(), AssignmentKind::Increment));
        self
    }

    /// Reads a patch from a JSON object, in the form of the table's JSON Schema.
    ///
    /// Fails with [`Error::Validation`] when a member is no column, or a value does not fit it.
    pub fn from_json(definition: &TableDef, json: &Json) -> Result<Self> {
        let Json::Object(members) = json else {
            return Err(Error::validation(format!(
                "a patch of `{}` is an object, not {}",
                definition.name,
                kind(json)
            )));
        };
        let value = |(name, json): (&String, &Json)| {
            let (_, column) = named(definition, name)?;
            Ok((name.clone(), column.value_from_json(json)?, AssignmentKind::Set))
        };
        Ok(Self { values: members.iter().map(value).collect::<Result<_>>()? })
    }

    /// The columns by position, each at most once.
    pub(crate) fn into_assignments(self, definition: &TableDef) -> Result<Vec<Assignment>> {
        let mut assignments: Vec<Assignment> = Vec::with_capacity(self.values.len());
        for (name, value, kind) in self.values {
            let column = definition.column(&name).ok_or_else(|| unknown(definition, &name))?;
            if definition.key.contains(&column) {
                return Err(Error::validation(format!(
                    "column `{name}` is in the key of `{}`, which an update cannot change; \
                     put a row with the new key and delete the old one",
                    definition.name
                )));
            }
            if definition.managed.contains(column) {
                return Err(Error::validation(format!(
                    "column `{name}` of `{}` is set by the store; leave it out of the patch",
                    definition.name
                )));
            }
            let assignment = match kind {
                AssignmentKind::Increment => Assignment::increment(column, value),
                AssignmentKind::Set => Assignment::set(column, value),
            };
            assignment.check(&definition.columns[column])?;
            // Of two values for one column the last counts.
            assignments.retain(|earlier| earlier.column != column);
            assignments.push(assignment);
        }
        Ok(assignments)
    }
}
