//! Keys, and the column that the store generates.

use super::contradiction;
use crate::{
    errors::Errors,
    model::{Column, Known, Table},
};

/// What is wrong with one column as a key, or as a generated one.
pub fn check_column(column: &Column<'_>, errors: &Errors) {
    if column.is_key() {
        if check_key_content(column, errors) {
            check_default(column, errors);
            check_auto(column, errors);
        }
    } else if let Some(auto) = &column.written.auto {
        errors.at(auto, "the store generates keys only; write `#[table(key, auto)]`");
    }
}

/// A key has exact equality, an order, and no NULL, on every backend.
fn check_key_content(column: &Column<'_>, errors: &Errors) -> bool {
    if let Some(attribute) = column.content_attribute() {
        errors.at(
            attribute,
            format!(
                "a `{attribute}` column cannot be a key: it has no equality that every backend \
                 shares; use an integer, `String` or `Uuid`"
            ),
        );
        return false;
    }
    if column.optional.is_some() {
        errors.at(column.ty(), "a key cannot be NULL; remove the `Option`");
        return false;
    }
    let why = match column.known {
        Known::Float => "rounding makes equal numbers differ",
        Known::FloatList | Known::HalfList | Known::SmallIntegerList | Known::TextList => {
            "lists have no equality that every backend shares"
        }
        Known::Json => "JSON has no equality that every backend shares",
        _ => return true,
    };
    errors.at(
        column.ty(),
        format!(
            "`{}` cannot be a key: {why}; use an integer, `String`, `Uuid` or a date-time",
            column.type_text()
        ),
    );
    false
}

/// One default for all would give every row the same key.
fn check_default(column: &Column<'_>, errors: &Errors) {
    let Some(default) = &column.written.default else { return };
    let message = if column.written.auto.is_some() {
        "the store generates this column, so its default would never be used; remove `default`"
    } else {
        "a default would give every row the same key; remove it, or write `auto` instead"
    };
    contradiction(&default.name, message, errors);
}

/// The store generates 32- and 64-bit integers, UUIDs, and UUIDs as text.
fn check_auto(column: &Column<'_>, errors: &Errors) {
    let Some(auto) = &column.written.auto else { return };
    let generated = match column.known {
        Known::Text | Known::Uuid | Known::Unknown => true,
        Known::Integer => ["i32", "i64", "u32"].contains(&&*column.type_text()),
        _ => false,
    };
    if !generated {
        errors.at(
            auto,
            format!(
                "the store cannot generate `{}`; use `i64`, `i32`, `u32`, `Uuid` or `String`",
                column.type_text()
            ),
        );
    }
}

/// Every row is found by its key, and at most one column of it is generated.
pub fn check_table(table: &Table<'_>, errors: &Errors) {
    // An `auto` without `key` is reported already, and is most likely the key.
    if table.key.is_empty() && table.auto.is_none() {
        let id = table.columns.iter().find(|column| column.ident == "id");
        let place = id.map_or("one of the fields", |_| "`id`");
        errors.at(table.ident(), format!("a table needs a key; write `#[table(key)]` on {place}"));
    }
    let generated = |column: &&Column<'_>| column.is_key() && column.written.auto.is_some();
    let mut generated = table.columns.iter().filter(generated);
    if let Some(first) = generated.next() {
        for second in generated {
            errors.at(
                &second.written.auto,
                format!("`{}` is generated already; remove one of the two `auto`", first.ident),
            );
        }
    }
}
