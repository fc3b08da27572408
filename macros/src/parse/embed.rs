//! `embed` or `embed(prefix = "..")` on a field, and the paths that lead into such a field.

use syn::{
    Ident, LitStr, Token,
    ext::IdentExt as _,
    parse::{Parse, ParseStream, Parser as _},
    punctuated::Punctuated,
};

use super::attribute::{Item, ItemValue, items_of, set};
use crate::errors::{Errors, did_you_mean};

/// `embed` or `embed(prefix = "..")`.
pub struct EmbedAttribute {
    pub name: Ident,
    pub prefix: Option<LitStr>,
}

impl EmbedAttribute {
    pub fn parse(item: &Item, errors: &Errors) -> Self {
        let name = item.name.clone();
        let mut prefix = None;
        match &item.value {
            ItemValue::None => {}
            ItemValue::List(list) => {
                for part in items_of(list.clone(), errors) {
                    if part.name == "prefix" {
                        if let Some(value) = part.string("home_", errors) {
                            set(&mut prefix, &part.name, value, errors);
                        }
                    } else {
                        let unknown = part.name.to_string();
                        let rest = did_you_mean(&unknown, ["prefix"], || {
                            "; write `embed(prefix = \"home_\")`".to_owned()
                        });
                        errors
                            .at(&part.name, format!("`embed` has no attribute `{unknown}`{rest}"));
                    }
                }
            }
            ItemValue::Assigned(_) => {
                errors.at(&name, "write `embed`, or `embed(prefix = \"home_\")`");
            }
        }
        Self { name, prefix }
    }
}

/// A field, or a field of an embedded struct: `price`, `address.city`.
pub struct FieldPath {
    pub field: Ident,
    /// The fields within.
    pub within: Vec<Ident>,
}

impl Parse for FieldPath {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let field = input.call(Ident::parse_any)?;
        let mut within = Vec::new();
        while input.parse::<Option<Token![.]>>()?.is_some() {
            within.push(input.call(Ident::parse_any)?);
        }
        Ok(Self { field, within })
    }
}

/// The fields in parentheses, as [`Item::fields`], which may lie within embedded structs.
pub fn field_paths(item: &Item, example: &str, errors: &Errors) -> Option<Vec<FieldPath>> {
    if let ItemValue::List(list) = &item.value
        && let Ok(paths) = Punctuated::<FieldPath, Token![,]>::parse_terminated.parse2(list.clone())
        && !paths.is_empty()
    {
        return Some(paths.into_iter().collect());
    }
    // Says what is wrong.
    item.fields(example, errors).map(|fields| {
        fields.into_iter().map(|field| FieldPath { field, within: Vec::new() }).collect()
    })
}
