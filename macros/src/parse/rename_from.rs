//! `rename_from = "old"` and `rename_from("older", "oldest")`, on a field or on the struct: the
//! names that a column or a table had before.

use quote::ToTokens as _;
use syn::{
    Ident, LitStr, Token,
    parse::{ParseStream, Parser as _},
    punctuated::Punctuated,
};

use super::attribute::{Item, ItemValue};
use crate::errors::Errors;

/// The names that something had before, each with its place.
pub struct PreviousNames {
    pub name: Ident,
    pub names: Vec<LitStr>,
}

/// The names after `=` or in parentheses. `example` shows what to write.
pub fn rename_from(item: &Item, example: &str, errors: &Errors) -> Option<PreviousNames> {
    let name = item.name.clone();
    let names = match &item.value {
        ItemValue::List(list) => {
            let parser =
                |input: ParseStream<'_>| Punctuated::<LitStr, Token![,]>::parse_terminated(input);
            match parser.parse2(list.clone()) {
                Ok(names) if names.is_empty() => {
                    errors.at(
                        &name,
                        format!("`{name}` names nothing; write `{name} = \"{example}\"`"),
                    );
                    return None;
                }
                Ok(names) => names.into_iter().collect(),
                Err(_) => {
                    errors.at(
                        list.to_token_stream(),
                        format!(
                            "expected names in quotes: `{name}(\"{example}\", \"an_older_name\")`"
                        ),
                    );
                    return None;
                }
            }
        }
        _ => vec![item.string(example, errors)?],
    };
    Some(PreviousNames { name, names })
}
