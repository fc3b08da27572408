//! What can be said of a type of one's own: of an enum, of its variants, of a newtype, of an
//! embedded struct.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Attribute, Ident, LitStr, Path};

use super::{
    attribute::{Item, items, set},
    field,
    serde::{self, SerdeField},
    table::{crate_path, type_name, unknown_attribute},
    variant_case,
};
use crate::errors::{Errors, did_you_mean};

/// The attributes of an enum: `#[table(integer, rename_all = "..", crate = ..)]`.
#[derive(Default)]
pub struct EnumAttributes {
    pub integer: Option<Ident>,
    /// The rule of `#[table(rename_all)]`, else of serde's.
    pub rename_all: Option<LitStr>,
    pub krate: Option<TokenStream>,
}

impl EnumAttributes {
    pub fn parse(attributes: &[Attribute], errors: &Errors) -> Self {
        let mut parsed = Self::default();
        for item in items(attributes, "table", errors) {
            let name = &item.name;
            match name.to_string().as_str() {
                "integer" => {
                    item.check_word(errors);
                    set(&mut parsed.integer, name, name.clone(), errors);
                }
                "rename_all" => {
                    if let Some(rule) = item.string("snake_case", errors)
                        && check_rule(&rule, errors)
                    {
                        set(&mut parsed.rename_all, name, rule, errors);
                    }
                }
                "crate" => add_crate(&mut parsed.krate, &item, errors),
                "rename" => errors.at(
                    name,
                    "an enum's name is not stored; write `rename_all = \"..\"`, or `rename` above \
                     a variant",
                ),
                unknown => {
                    let names = ["integer", "rename_all", "crate"];
                    errors.at(name, unknown_attribute("table enum", unknown, &names));
                }
            }
        }
        if let (Some(integer), Some(rule)) = (&parsed.integer, &parsed.rename_all) {
            names_are_not_stored(rule, integer, errors);
        }
        // What serde itself finds wrong, serde reports.
        parsed.rename_all = parsed.rename_all.or_else(|| serde::rename_all_name(attributes));
        parsed
    }
}

fn check_rule(rule: &LitStr, errors: &Errors) -> bool {
    let is_known = variant_case::RULES.contains(&rule.value().as_str());
    if !is_known {
        let rest = did_you_mean(&rule.value(), variant_case::RULES, || {
            format!("; write `{}`", variant_case::RULES.join("`, `"))
        });
        errors.at(rule, format!("there is no case `{}`{rest}", rule.value()));
    }
    is_known
}

fn names_are_not_stored(place: impl quote::ToTokens, integer: &Ident, errors: &Errors) {
    errors.at(
        place,
        format!(
            "`{integer}` stores the discriminants, so the variants' names are not stored; \
             remove one of the two"
        ),
    );
}

/// The attributes of a variant: `#[table(rename = "..")]`, and serde's.
#[derive(Default)]
pub struct VariantAttributes {
    pub rename: Option<LitStr>,
    pub serde: SerdeField,
}

impl VariantAttributes {
    pub fn parse(attributes: &[Attribute], integer: Option<&Ident>, errors: &Errors) -> Self {
        let mut parsed = Self { serde: SerdeField::parse(attributes), ..Self::default() };
        for item in items(attributes, "table", errors) {
            let name = &item.name;
            match name.to_string().as_str() {
                "rename" => {
                    if let Some(value) = item.string("stored_name", errors) {
                        set(&mut parsed.rename, name, value, errors);
                    }
                    if let Some(integer) = integer {
                        names_are_not_stored(name, integer, errors);
                    }
                }
                "name" => {
                    errors.at(name, "a variant's name is given by `rename = \"..\"`; write that");
                }
                "skip" => errors.at(
                    name,
                    "a variant that is not stored could not be kept; remove `skip`, or keep the \
                     field with the enum out of the table",
                ),
                unknown @ ("integer" | "rename_all" | "crate") => errors.at(
                    name,
                    format!(
                        "`{unknown}` belongs on the enum, not on a variant; write it above the enum"
                    ),
                ),
                unknown => errors.at(name, unknown_attribute("variant", unknown, &["rename"])),
            }
        }
        parsed
    }
}

/// The attributes of a newtype: `#[table(validate = path, crate = ..)]`.
#[derive(Default)]
pub struct NewtypeAttributes {
    pub validate: Option<Path>,
    pub krate: Option<TokenStream>,
}

impl NewtypeAttributes {
    pub fn parse(attributes: &[Attribute], errors: &Errors) -> Self {
        let mut parsed = Self::default();
        for item in items(attributes, "table", errors) {
            let name = &item.name;
            match name.to_string().as_str() {
                "validate" => {
                    if let Some(path) = item.assigned("validate = check_sku", errors) {
                        set(&mut parsed.validate, name, path, errors);
                    }
                }
                "crate" => add_crate(&mut parsed.krate, &item, errors),
                unknown => {
                    let names = ["validate", "crate"];
                    errors.at(name, unknown_attribute("newtype", unknown, &names));
                }
            }
        }
        parsed
    }
}

/// The field of a newtype has nothing to say: the table's field does.
pub fn check_newtype_field(attributes: &[Attribute], errors: &Errors) {
    for item in items(attributes, "table", errors) {
        let name = &item.name;
        let message = if field::NAMES.contains(&&*name.to_string()) {
            format!("`{name}` belongs on the table's field that has this type; write it there")
        } else if name == "validate" {
            "`validate` belongs on the struct; write it above the struct".to_owned()
        } else {
            format!("there is no attribute `{name}` here; remove it")
        };
        errors.at(name, message);
    }
}

/// The attributes of a struct that is embedded: `#[table(columns = "..", crate = ..)]`.
#[derive(Default)]
pub struct EmbedAttributes {
    /// The type of the columns' handles.
    pub columns: Option<Ident>,
    pub krate: Option<TokenStream>,
}

impl EmbedAttributes {
    pub fn parse(attributes: &[Attribute], errors: &Errors) -> Self {
        let mut parsed = Self::default();
        for item in items(attributes, "table", errors) {
            let name = &item.name;
            match name.to_string().as_str() {
                "columns" => {
                    if let Some(value) = item.string("AddressColumns", errors)
                        && let Some(value) = type_name(&value, errors)
                    {
                        set(&mut parsed.columns, name, value, errors);
                    }
                }
                "crate" => add_crate(&mut parsed.krate, &item, errors),
                "index" | "unique" => errors.at(
                    name,
                    format!(
                        "an index belongs to the table; write `{name}(field.column)` above the \
                         struct that embeds this one"
                    ),
                ),
                unknown @ ("name" | "schema" | "shard_by") => errors.at(
                    name,
                    format!(
                        "`{unknown}` belongs to a table; write it above the struct that embeds \
                         this one"
                    ),
                ),
                "prefix" => errors.at(
                    name,
                    "the table's field says the prefix; write `embed(prefix = \"..\")` there",
                ),
                "rename_all" => {
                    errors.at(name, "columns follow serde: write `#[serde(rename_all = \"..\")]`");
                }
                unknown => {
                    let names = ["columns", "crate"];
                    errors.at(name, unknown_attribute("struct to embed", unknown, &names));
                }
            }
        }
        parsed
    }
}

fn add_crate(slot: &mut Option<TokenStream>, item: &Item, errors: &Errors) {
    if let Some(path) = crate_path(item, errors) {
        set(slot, &item.name, path.to_token_stream(), errors);
    }
}
