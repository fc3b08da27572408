//! The rules of a table, one function for each, with its reason.
//!
//! Rules about types only speak where the tokens are plain; what may be an alias is left to the
//! traits of the expansion, so that no mistake is reported twice.

mod column_type;
mod key;
mod managed;
mod rename_from;
mod roles;

use quote::ToTokens as _;
use syn::Ident;

pub use self::{column_type::too_wide, roles::index_problem};
use super::{Column, Table, embed};
use crate::{errors::Errors, parse::FieldAttributes};

/// Every rule about one column.
pub fn column(column: &Column<'_>, errors: &Errors) {
    // Of a column that has no proper type, nothing more can be said.
    if column.is_embedded() {
        embed::check_field(column, errors);
    } else if column_type::check(column, errors) && managed::check_column(column, errors) {
        key::check_column(column, errors);
        roles::check(column, errors);
    }
}

/// Every rule about columns together.
pub fn table(table: &Table<'_>, errors: &Errors) {
    key::check_table(table, errors);
    managed::check_table(table, errors);
    column_names(table, errors);
    rename_from::check(table, errors);
}

/// Whether the field is left out of the table. `skip` stands alone: a field that is not a column
/// has no key, index or name.
pub fn is_skipped(written: &FieldAttributes, errors: &Errors) -> bool {
    let Some(skip) = written.skip.as_ref().or(written.serde.skip.as_ref()) else { return false };
    if let Some(other) = written.names().next() {
        if written.skip.is_some() {
            errors.at(
                skip,
                format!("`skip` leaves the field out of the table; remove it, or remove `{other}`"),
            );
        } else {
            errors.at(
                other,
                "serde's `skip` leaves the field out of the table too; to leave it out of JSON \
                 only, write `#[serde(skip_serializing, skip_deserializing)]`",
            );
        }
    }
    true
}

/// No two columns share a name, and no two constants. Case does not tell columns apart, since
/// SQLite ignores it.
pub fn column_names(table: &Table<'_>, errors: &Errors) {
    for (position, column) in table.positioned() {
        let earlier = &table.columns[..position];
        // The whole names of embedded columns are not known yet.
        let has_name = |twin: &&Column<'_>| {
            let is_one = !twin.is_embedded() && !column.is_embedded();
            is_one && twin.name.eq_ignore_ascii_case(&column.name)
        };
        if let Some(twin) = earlier.iter().find(has_name) {
            errors.at(
                &column.name_place,
                format!(
                    "field `{}` has the column name `{}` already; \
                     give this one another with `#[table(rename = \"..\")]`",
                    twin.ident, twin.name
                ),
            );
        } else if let Some(twin) = earlier.iter().find(|twin| twin.constant == column.constant) {
            errors.at(
                column.ident,
                format!(
                    "`{}` and `{}` would both have the constant `{}`; rename one of the fields",
                    twin.ident, column.ident, column.constant
                ),
            );
        }
    }
}

/// Reports attributes that contradict each other, at the second one.
fn contradiction(second: &Ident, message: &str, errors: &Errors) {
    errors.at(second.to_token_stream(), message);
}
