//! From what the caller gave to what an engine stores: defaults, generated keys, checks.

use super::Core;
use crate::{
    column_type::ColumnType,
    error::{Error, Result},
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
    pub(super) fn prepare<T: Row>(&self, row: impl Insertable<T>) -> Result<EncodedRow> {
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
        let given = row.into_values();
        let mut values = Vec::with_capacity(given.len());
        for (position, (column, given)) in definition.columns.iter().zip(given).enumerate() {
            values.push(if definition.auto == Some(position) {
                self.key_value(position, given)?
            } else {
                match (given, column.default) {
                    (Some(given), _) => given,
                    (None, Some(default)) => default(),
                    // A column that must be given is refused by the check below.
                    (None, None) => Value::Null,
                }
            });
        }
        let row = EncodedRow(values);
        definition.check_row(&row)?;
        Ok(row)
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
