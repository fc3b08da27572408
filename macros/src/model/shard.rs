//! The column by whose value rows are spread over servers.

use syn::Ident;

use super::{Table, index::unknown_field};
use crate::errors::Errors;

/// The position of the column that `shard_by(..)` names; `None` after a mistake.
///
/// A server can only tell whether a value is unique among the rows that it has itself, so the
/// column has to be a part of everything that is unique.
pub fn position(table: &Table<'_>, field: Option<&Ident>, errors: &Errors) -> Option<usize> {
    let field = field?;
    let Some(position) = table.columns.iter().position(|column| column.ident == field) else {
        errors.at(field, unknown_field(table, field, "`shard_by`"));
        return None;
    };
    let column = &table.columns[position];
    // Of a table without a key, something else is said already.
    if !table.key.is_empty() && !table.key.contains(&position) {
        errors.at(
            field,
            format!(
                "rows that are spread by `{field}` can only be told apart together with it; \
                 write `#[table(key)]` above that field too"
            ),
        );
        return None;
    }
    let lacking = |index: &&super::Index| index.unique && !index.columns.contains(&position);
    if let Some(index) = table.indexes.iter().find(lacking) {
        let columns: Vec<&str> =
            index.columns.iter().map(|&column| &*table.columns[column].name).collect();
        let columns = columns.join(", ");
        errors.at(
            field,
            format!(
                "`unique({columns})` cannot be checked across servers; write \
                 `unique({}, {columns})`, or `index({columns})`",
                column.name
            ),
        );
        return None;
    }
    Some(position)
}
