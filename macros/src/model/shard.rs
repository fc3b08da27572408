//! The column by whose value rows are spread over servers.

use syn::Ident;

use super::{EmbeddedIndex, IndexedColumn, Table, index::unknown_field};
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
    if column.is_embedded() {
        errors.at(field, format!("`{field}` is several columns; write a field that is one"));
        return None;
    }
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
    let lacks_it = |index: &EmbeddedIndex| {
        let is_it =
            |column: &IndexedColumn| matches!(column, IndexedColumn::Field(it) if *it == position);
        index.unique && !index.columns.iter().any(is_it)
    };
    if table.embedded_indexes.iter().any(lacks_it) {
        errors.at(
            field,
            format!(
                "a `unique` that lacks `{field}` cannot be checked across servers; add the field \
                 to it, or write `index`"
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
