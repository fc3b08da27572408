//! From what the caller gave to what an engine stores: defaults, generated keys, checks.

use super::Core;
use crate::{
    codec::ColumnValue as _,
    column_type::ColumnType,
    definition::ManagedColumns,
    error::{Error, Result},
    storage::WriteMode,
    table::{Insertable, Row},
    value::{EncodedRow, Value},
};

/// What happens to a key that the caller gives to an `auto` column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientKeys {
    /// A given key is used; a missing one is generated.
    #[default]
    IfMissing,
    /// A given key is ignored; every key is generated.
    Never,
    /// A given key is used; a missing one is [`Error::Validation`].
    Always,
}

impl Core {
    /// The row as it will be stored, except for an integer key that the engine generates, which
    /// is NULL here.
    pub(super) fn prepare<T: Row>(
        &self,
        row: impl Insertable<T>,
        mode: WriteMode,
    ) -> Result<EncodedRow> {
        let row = row.into_new_row().map_err(|error| self.encode_error(&error))?;
        let definition = &self.definition;
        if let Some(own) = row.definition()
            && !definition.has_columns_of(own)
        {
            return Err(Error::validation(format!(
                "the record was made for `{}` as another definition has it; \
                 make it with the definition of the handle",
                own.name
            )));
        }
        let mut has_new_key = false;
        // `collect` fills the vector of what was given, whose elements are as large: a row is one
        // allocation.
        let values = row.into_values().into_iter().zip(&*definition.columns).enumerate();
        let values = values.map(|(position, (given, column))| {
            if definition.auto == Some(position) {
                has_new_key = given.is_none() || self.client_keys == ClientKeys::Never;
                return self.key_value(position, given);
            }
            Ok(match (given, column.default) {
                (Some(given), _) => given,
                (None, Some(default)) => default(),
                // A column that must be given is refused by the check below.
                (None, None) => Value::Null,
            })
        });
        let values = values.collect::<Result<_>>()?;
        let mut row = EncodedRow(values);
        if definition.managed != ManagedColumns::NONE {
            self.fill_in_managed(&mut row, has_new_key, mode)?;
        }
        definition.check_row(&row)?;
        Ok(row)
    }

    /// What the store says about a row that is written as a whole. The version of a put stays what
    /// the row was read with: the engine compares and counts.
    fn fill_in_managed(
        &self,
        row: &mut EncodedRow,
        has_new_key: bool,
        mode: WriteMode,
    ) -> Result<()> {
        let managed = &self.definition.managed;
        if managed.created_at.is_some() || managed.updated_at.is_some() {
            // One look at the clock, so that a new row was created when it was written.
            let now = self.environment.clock.now();
            if let Some(created_at) = managed.created_at
                && row.0[created_at].is_null()
            {
                row.0[created_at] = now.to_value();
            }
            if let Some(updated_at) = managed.updated_at {
                row.0[updated_at] = now.to_value();
            }
        }
        if mode != WriteMode::Put {
            managed.begin_version(row);
        } else if let Some(version) = managed.version
            && has_new_key
        {
            // Whatever row it was read as, it becomes another.
            row.0[version] = Value::Null;
        } else if let Some(version) = managed.version
            && matches!(row.0[version], Value::Int(..0))
        {
            return Err(Error::validation(format!(
                "column `{}` counts the writes of a row from 1; give the version that the row was \
                 read with, or 0 for a row that was never stored",
                self.definition.columns[version].name
            )));
        }
        Ok(())
    }

    fn key_value(&self, position: usize, given: Option<Value>) -> Result<Value> {
        match (self.client_keys, given) {
            (ClientKeys::IfMissing | ClientKeys::Always, Some(given)) => Ok(given),
            (ClientKeys::IfMissing, None) | (ClientKeys::Never, _) => {
                Ok(match self.definition.columns[position].column_type {
                    ColumnType::Uuid => Value::Uuid(self.environment.next_uuid()),
                    ColumnType::Text => Value::Text(self.environment.next_uuid().to_string()),
                    _ => Value::Null,
                })
            }
            (ClientKeys::Always, None) => Err(Error::validation(format!(
                "column `{}` was left out, and the handle's policy is `ClientKeys::Always`; \
                 give it a value, or use `ClientKeys::IfMissing`",
                self.definition.columns[position].name
            ))),
        }
    }
}
