//! Indexes, from the struct's attributes and from its fields'.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Ident, ext::IdentExt as _};

use super::{Table, check};
use crate::{
    errors::{Errors, did_you_mean},
    parse::IndexAttribute,
};

/// How many of a table's fields a message lists.
const LISTED: usize = 8;

/// An index.
pub struct Index {
    pub name: String,
    /// Positions of its columns.
    pub columns: Vec<usize>,
    pub unique: bool,
}

/// The table's indexes: those of the fields first, in field order, then those of the struct.
pub fn indexes(table: &Table<'_>, written: &[IndexAttribute], errors: &Errors) -> Vec<Index> {
    let mut indexes = Vec::new();
    for (position, column) in table.positioned() {
        for (name, unique) in [(&column.written.index, false), (&column.written.unique, true)] {
            if let Some(name) = name {
                add(table, &mut indexes, &name.to_token_stream(), vec![position], unique, errors);
            }
        }
    }
    for attribute in written.iter().filter(|attribute| !attribute.is_embedded()) {
        if let Some(columns) = resolve(table, attribute, errors) {
            let place = attribute.name.to_token_stream();
            add(table, &mut indexes, &place, columns, attribute.unique, errors);
        }
    }
    indexes
}

/// Adds the index by which the rows are found that refer to a row.
pub(super) fn add_for_reference(table: &mut Table<'_>, column: usize) {
    let mut indexes = std::mem::take(&mut table.indexes);
    push(table, &mut indexes, vec![column], false);
    table.indexes = indexes;
}

/// Adds an index, unless what is there already does its work.
fn add(
    table: &Table<'_>,
    indexes: &mut Vec<Index>,
    place: &TokenStream,
    columns: Vec<usize>,
    unique: bool,
    errors: &Errors,
) {
    let what = if unique { "unique" } else { "index" };
    if columns == table.key {
        errors.at(place, format!("the key is unique and indexed already; remove `{what}`"));
        return;
    }
    if let Some(twin) = indexes.iter().find(|index| index.columns == columns) {
        let message = if twin.unique == unique {
            format!("these columns have this `{what}` already; keep one of them")
        } else {
            "`unique` makes an index already; remove `index`".to_owned()
        };
        errors.at(place, message);
        return;
    }
    push(table, indexes, columns, unique);
}

fn push(table: &Table<'_>, indexes: &mut Vec<Index>, columns: Vec<usize>, unique: bool) {
    let names: Vec<&str> = columns.iter().map(|&column| &*table.columns[column].name).collect();
    let is_taken = |name: &str| indexes.iter().any(|index| index.name == name);
    let name = storehouse_sql::free_index_name(&table.name, &names, unique, is_taken);
    indexes.push(Index { name, columns, unique });
}

/// The positions of the fields that `index(..)` names; `None` after a mistake.
fn resolve(table: &Table<'_>, written: &IndexAttribute, errors: &Errors) -> Option<Vec<usize>> {
    let mut columns = Vec::with_capacity(written.fields.len());
    let mut complete = true;
    for field in written.fields.iter().map(|path| &path.field) {
        let Some(position) = table.columns.iter().position(|column| column.ident == field) else {
            errors.at(field, unknown_field(table, field, "an index"));
            complete = false;
            continue;
        };
        if columns.contains(&position) {
            errors.at(field, format!("`{field}` is in this index twice; remove one of them"));
            complete = false;
            continue;
        }
        if let Some(problem) = check::index_problem(&table.columns[position]) {
            errors.at(field, problem);
            complete = false;
        }
        columns.push(position);
    }
    complete.then_some(columns)
}

/// What to say when `what`, such as "an index", names a field that is no column.
pub(super) fn unknown_field(table: &Table<'_>, field: &Ident, what: &str) -> String {
    if table.skipped.iter().any(|skipped| skipped.ident.as_ref() == Some(field)) {
        return format!("`{field}` is skipped, so it is not a column; remove it here");
    }
    if let Some(column) = table.columns.iter().find(|column| field == &column.name) {
        return format!("{what} names fields; write `{}` for this column", column.ident);
    }
    let fields: Vec<String> =
        table.columns.iter().map(|column| column.ident.unraw().to_string()).collect();
    let rest = did_you_mean(&field.unraw().to_string(), &fields, || {
        let more = if fields.len() > LISTED { " and more" } else { "" };
        format!("; the fields are `{}`{more}", fields[..fields.len().min(LISTED)].join("`, `"))
    });
    format!("there is no field `{field}`{rest}")
}
