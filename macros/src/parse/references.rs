//! `references(Customer::id, on_delete = "cascade")`: the field of another table that a field
//! refers to.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{
    Ident, LitStr, Path, Token,
    parse::{ParseStream, Parser as _},
};

use super::attribute::{Item, ItemValue, items_of, set};
use crate::errors::{Errors, did_you_mean};

const EXAMPLE: &str = "references(Customer::id)";

/// What `references` says.
pub struct ReferencesAttribute {
    pub name: Ident,
    /// The other struct.
    pub table: Path,
    pub field: Ident,
    pub on_delete: Option<LitStr>,
}

impl ReferencesAttribute {
    pub fn parse(item: &Item, errors: &Errors) -> Option<Self> {
        let name = &item.name;
        let ItemValue::List(list) = &item.value else {
            errors.at(name, format!("`{name}` needs the other table's field; write `{EXAMPLE}`"));
            return None;
        };
        let parser = |input: ParseStream<'_>| {
            let path = input.call(Path::parse_mod_style)?;
            input.parse::<Option<Token![,]>>()?;
            Ok((path, input.parse::<TokenStream>()?))
        };
        let Ok((mut path, rest)) = parser.parse2(list.clone()) else {
            let place = if list.is_empty() { name.to_token_stream() } else { list.clone() };
            errors.at(
                place,
                format!(
                    "`{name}` names the other struct and its field first, without quotes; \
                     write `{EXAMPLE}`"
                ),
            );
            return None;
        };
        let on_delete = on_delete(rest, errors);
        let field = path.segments.pop().map(|last| last.ident);
        // What is left ends with a separator, which a type's path does not.
        let table = path.segments.pop();
        let (Some(field), Some(table)) = (field, table) else {
            errors.at(
                list,
                format!("`{name}` names no field; write `{EXAMPLE}`, with the struct before it"),
            );
            return None;
        };
        path.segments.push_value(table);
        Some(Self { name: name.clone(), table: path, field, on_delete })
    }
}

fn on_delete(rest: TokenStream, errors: &Errors) -> Option<LitStr> {
    let mut on_delete = None;
    for part in items_of(rest, errors) {
        let name = &part.name;
        if name == "on_delete" {
            if let Some(value) = part.string("cascade", errors) {
                set(&mut on_delete, name, value, errors);
            }
            continue;
        }
        let unknown = name.to_string();
        let rest = did_you_mean(&unknown, ["on_delete"], || {
            format!(
                "; write `{EXAMPLE}`, with `on_delete = \"cascade\"` or `\"set null\"` after it"
            )
        });
        errors.at(name, format!("`references` has no attribute `{unknown}`{rest}"));
    }
    on_delete
}
