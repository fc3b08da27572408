//! What can be said of a struct: `#[table(name = "..", schema = "..", index(..), unique(..),
//! shard_by(..), rename_from = "..", changes, columns = "..", crate = ..)]` and serde's `rename_all`.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Attribute, Ident, LitStr, Path};

use super::{
    attribute::{Item, ItemValue, items, set},
    embed::{FieldPath, field_paths},
    field,
    rename_from::{PreviousNames, rename_from},
    serde::{self, RenameRule},
};
use crate::errors::{Errors, did_you_mean};

/// The names of the struct's attributes, for messages.
const NAMES: [&str; 9] =
    ["name", "schema", "index", "unique", "shard_by", "rename_from", "changes", "columns", "crate"];

/// The attributes of a struct.
#[derive(Default)]
pub struct TableAttributes {
    pub name: Option<LitStr>,
    pub schema: Option<LitStr>,
    pub indexes: Vec<IndexAttribute>,
    /// The field by whose value rows are spread over servers.
    pub shard_by: Option<Ident>,
    /// The names that the table had before.
    pub rename_from: Option<PreviousNames>,
    /// Says that the table keeps a log of its changes.
    pub changes: Option<Ident>,
    /// The type that the column constants move into.
    pub columns: Option<Ident>,
    /// The path of the `storehouse` crate, where it has another name.
    pub krate: Option<TokenStream>,
    pub rename_all: Option<RenameRule>,
}

/// `index(a, b)` or `unique(a, b)`.
pub struct IndexAttribute {
    pub name: Ident,
    pub unique: bool,
    pub fields: Vec<FieldPath>,
}

impl IndexAttribute {
    /// Whether some columns lie within embedded structs.
    pub fn is_embedded(&self) -> bool {
        self.fields.iter().any(|field| !field.within.is_empty())
    }
}

impl TableAttributes {
    pub fn parse(attributes: &[Attribute], errors: &Errors) -> Self {
        let mut parsed = Self { rename_all: serde::rename_all(attributes), ..Self::default() };
        for item in items(attributes, "table", errors) {
            parsed.add(&item, errors);
        }
        parsed
    }

    fn add(&mut self, item: &Item, errors: &Errors) {
        let name = &item.name;
        match name.to_string().as_str() {
            "name" => {
                if let Some(value) = item.string("products", errors) {
                    set(&mut self.name, name, value, errors);
                }
            }
            "schema" => {
                if let Some(value) = item.string("shop", errors) {
                    set(&mut self.schema, name, value, errors);
                }
            }
            "index" | "unique" => {
                if let Some(fields) = field_paths(item, "(category, price)", errors) {
                    let unique = name == "unique";
                    self.indexes.push(IndexAttribute { name: name.clone(), unique, fields });
                }
            }
            "shard_by" => {
                if let Some(fields) = item.fields("(tenant)", errors)
                    && let Some(field) = only_field(&fields, errors)
                {
                    set(&mut self.shard_by, name, field, errors);
                }
            }
            "rename_from" => {
                if let Some(value) = rename_from(item, "goods", errors) {
                    set(&mut self.rename_from, name, value, errors);
                }
            }
            "changes" => {
                item.check_word(errors);
                set(&mut self.changes, name, name.clone(), errors);
            }
            "columns" => {
                if let Some(value) = item.string("ProductColumns", errors)
                    && let Some(value) = type_name(&value, errors)
                {
                    set(&mut self.columns, name, value, errors);
                }
            }
            "crate" => {
                if let Some(value) = crate_path(item, errors) {
                    set(&mut self.krate, name, value, errors);
                }
            }
            "rename" => errors.at(name, "a table's name is given by `name = \"..\"`; write that"),
            "rename_all" => {
                errors.at(name, "columns follow serde: write `#[serde(rename_all = \"..\")]`");
            }
            unknown if field::NAMES.contains(&unknown) => {
                errors.at(name, format!("`{unknown}` belongs on a field, not on the struct; write it above the field"));
            }
            unknown => errors.at(name, unknown_attribute("struct", unknown, &NAMES)),
        }
    }
}

/// What to say of an attribute that does not exist.
pub fn unknown_attribute(place: &str, unknown: &str, names: &[&str]) -> String {
    let rest =
        did_you_mean(unknown, names, || format!("; a {place} can have `{}`", names.join("`, `")));
    format!("there is no attribute `{unknown}`{rest}")
}

/// The field of `shard_by(..)`, which takes one.
fn only_field(fields: &[Ident], errors: &Errors) -> Option<Ident> {
    let (first, rest) = fields.split_first()?;
    if let Some(second) = rest.first() {
        errors.at(
            second,
            format!(
                "rows are spread by one column; write `shard_by({first})`, or another one of them"
            ),
        );
        return None;
    }
    Some(first.clone())
}

pub fn type_name(value: &LitStr, errors: &Errors) -> Option<Ident> {
    let parsed = value.parse::<Ident>().ok();
    if parsed.is_none() {
        errors.at(
            value,
            format!(
                "`{}` cannot be the name of a type; write a new one, such as `ProductColumns`",
                value.value()
            ),
        );
    }
    parsed
}

/// `crate = some::path`, or `crate = "some::path"` as serde has it.
pub fn crate_path(item: &Item, errors: &Errors) -> Option<TokenStream> {
    let example = "crate = my_crate::storehouse";
    if let ItemValue::Assigned(value) = &item.value
        && let Ok(text) = syn::parse2::<LitStr>(value.clone())
    {
        let path = text.parse_with(Path::parse_mod_style).ok();
        if path.is_none() {
            errors.at(&text, format!("not a path; write `{example}`"));
        }
        return path.map(|path| path.to_token_stream());
    }
    let path: ModPath = item.assigned(example, errors)?;
    Some(path.0.into_token_stream())
}

/// A path that may begin with `crate`.
struct ModPath(Path);

impl syn::parse::Parse for ModPath {
    fn parse(input: syn::parse::ParseStream<'_>) -> syn::Result<Self> {
        input.call(Path::parse_mod_style).map(Self)
    }
}
