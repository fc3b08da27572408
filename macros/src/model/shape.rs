//! Which items can be a table: structs with named fields, without parameters.

use syn::{Data, DeriveInput, Field, Fields, punctuated::Punctuated, token::Comma};

use crate::errors::Errors;

/// The fields of the struct; `None` when it has no named ones, which is reported.
pub fn named_fields<'a>(
    input: &'a DeriveInput,
    errors: &Errors,
) -> Option<&'a Punctuated<Field, Comma>> {
    let name = &input.ident;
    // A definition, and so a table, belongs to one type: `T<A>` and `T<B>` would share it.
    if !input.generics.params.is_empty() {
        let lifetimes_only = input.generics.lifetimes().count() == input.generics.params.len();
        errors.at(
            &input.generics,
            if lifetimes_only {
                "a table's rows own their values; remove the lifetime, and write `String` for \
                 `&str` and `Vec<u8>` for `&[u8]`"
            } else {
                "a table's columns have fixed types; remove the type parameters and write the types"
            },
        );
    }
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        Data::Enum(data) => {
            errors.at(
                data.enum_token,
                "only a struct can be a table; write `#[derive(TableEnum)]` to keep an enum in a \
                 column, or `#[table(json)]` above the field",
            );
            return None;
        }
        Data::Union(data) => {
            errors.at(
                data.union_token,
                "only a struct can be a table; write a struct with a field for each column",
            );
            return None;
        }
    };
    match fields {
        Fields::Named(fields) if !fields.named.is_empty() => Some(&fields.named),
        Fields::Unnamed(fields) => {
            errors.at(
                &fields.unnamed,
                format!("a column needs a name; write `struct {name} {{ id: .., .. }}`"),
            );
            None
        }
        Fields::Named(_) | Fields::Unit => {
            errors.at(
                name,
                format!(
                    "a table needs a column, and a key; \
                     write `struct {name} {{ #[table(key)] id: i64 }}`"
                ),
            );
            None
        }
    }
}
