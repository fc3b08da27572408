//! What can be said of a field: `#[table(key, auto, index, unique, json, text, vector(..),
//! metadata, default = .., created_at, updated_at, version, soft_delete, rename = "..",
//! rename_from = "..", references(..), skip, embed)]` and serde's `rename` and `skip`.

use proc_macro2::TokenStream;
use syn::{Attribute, Ident, LitInt, LitStr};

use super::{
    attribute::{Item, ItemValue, items, items_of, set},
    embed::EmbedAttribute,
    managed::ManagedAttributes,
    references::ReferencesAttribute,
    rename_from::{PreviousNames, rename_from},
    serde::SerdeField,
    table::unknown_attribute,
};
use crate::errors::{Errors, did_you_mean};

/// The names of a field's attributes, for messages.
pub const NAMES: &[&str] = &[
    "key",
    "auto",
    "index",
    "unique",
    "json",
    "text",
    "vector",
    "metadata",
    "default",
    "rename",
    "references",
    "rename_from",
    "skip",
    "embed",
    "created_at",
    "updated_at",
    "version",
    "soft_delete",
];

/// The attributes of a field. Each is kept with the name that was written, for its place.
#[derive(Default)]
pub struct FieldAttributes {
    pub key: Option<Ident>,
    pub auto: Option<Ident>,
    pub index: Option<Ident>,
    pub unique: Option<Ident>,
    pub json: Option<JsonAttribute>,
    pub text: Option<Ident>,
    pub vector: Option<VectorAttribute>,
    pub metadata: Option<Ident>,
    pub default: Option<DefaultAttribute>,
    pub managed: ManagedAttributes,
    pub rename: Option<(Ident, LitStr)>,
    pub references: Option<ReferencesAttribute>,
    pub rename_from: Option<PreviousNames>,
    pub skip: Option<Ident>,
    pub embed: Option<EmbedAttribute>,
    pub serde: SerdeField,
}

/// `json` or `json(schema)`.
pub struct JsonAttribute {
    pub name: Ident,
    pub schema: bool,
}

/// `vector(dim = N, metric = "..", element = "..")`.
pub struct VectorAttribute {
    pub name: Ident,
    /// `None` when it was left out, or given wrongly, which is reported already.
    pub dimension: Option<LitInt>,
    /// Whether it was tried to give one.
    pub tried_dimension: bool,
    pub metric: Option<LitStr>,
    pub element: Option<LitStr>,
}

/// `default` or `default = expression`.
pub struct DefaultAttribute {
    pub name: Ident,
    pub expression: Option<TokenStream>,
}

impl FieldAttributes {
    pub fn parse(attributes: &[Attribute], errors: &Errors) -> Self {
        let mut parsed = Self { serde: SerdeField::parse(attributes), ..Self::default() };
        for item in items(attributes, "table", errors) {
            parsed.add(&item, errors);
        }
        parsed
    }

    fn add(&mut self, item: &Item, errors: &Errors) {
        let name = &item.name;
        match name.to_string().as_str() {
            "key" => word(&mut self.key, item, errors),
            "auto" => word(&mut self.auto, item, errors),
            "index" => index_word(&mut self.index, item, errors),
            "unique" => index_word(&mut self.unique, item, errors),
            "text" => word(&mut self.text, item, errors),
            "metadata" => word(&mut self.metadata, item, errors),
            "skip" => word(&mut self.skip, item, errors),
            "embed" => set(&mut self.embed, name, EmbedAttribute::parse(item, errors), errors),
            "json" => {
                if let Some(value) = json(item, errors) {
                    set(&mut self.json, name, value, errors);
                }
            }
            "vector" => {
                if let Some(value) = vector(item, errors) {
                    set(&mut self.vector, name, value, errors);
                }
            }
            "default" => {
                if let Some(value) = default(item, errors) {
                    set(&mut self.default, name, value, errors);
                }
            }
            "rename" => {
                if let Some(value) = item.string("column_name", errors) {
                    set(&mut self.rename, name, (name.clone(), value), errors);
                }
            }
            "references" => {
                if let Some(value) = ReferencesAttribute::parse(item, errors) {
                    set(&mut self.references, name, value, errors);
                }
            }
            "rename_from" => {
                if let Some(value) = rename_from(item, "old_name", errors) {
                    set(&mut self.rename_from, name, value, errors);
                }
            }
            "renamed_from" | "old_name" | "was" => {
                errors.at(
                    name,
                    format!("there is no attribute `{name}`; did you mean `rename_from`?"),
                );
            }
            _ if self.managed.add(item, errors) => {}
            "name" => errors.at(name, "a column's name is given by `rename = \"..\"`; write that"),
            unknown @ ("schema" | "columns" | "crate") => {
                errors.at(name, format!("`{unknown}` belongs on the struct, not on a field; write it above the struct"));
            }
            "primary_key" | "primary" | "id" | "pk" => {
                errors.at(name, format!("there is no attribute `{name}`; did you mean `key`?"));
            }
            "foreign_key" | "belongs_to" => {
                errors.at(
                    name,
                    format!("there is no attribute `{name}`; did you mean `references`?"),
                );
            }
            unknown => errors.at(name, unknown_attribute("field", unknown, NAMES)),
        }
    }

    /// The names of every attribute except `skip`, in one order.
    pub fn names(&self) -> impl Iterator<Item = &Ident> {
        [
            self.key.as_ref(),
            self.auto.as_ref(),
            self.index.as_ref(),
            self.unique.as_ref(),
            self.json.as_ref().map(|json| &json.name),
            self.text.as_ref(),
            self.vector.as_ref().map(|vector| &vector.name),
            self.metadata.as_ref(),
            self.default.as_ref().map(|default| &default.name),
            self.rename.as_ref().map(|(name, _)| name),
            self.references.as_ref().map(|references| &references.name),
            self.rename_from.as_ref().map(|previous| &previous.name),
            self.embed.as_ref().map(|embed| &embed.name),
        ]
        .into_iter()
        .flatten()
        .chain(self.managed.written().map(|(_, name)| name))
    }
}

/// A word with a value counts as the word, so that a key written `key = true` is not missed too.
fn word(slot: &mut Option<Ident>, item: &Item, errors: &Errors) {
    item.check_word(errors);
    set(slot, &item.name, item.name.clone(), errors);
}

fn index_word(slot: &mut Option<Ident>, item: &Item, errors: &Errors) {
    if matches!(item.value, ItemValue::List(_)) {
        errors.at(
            &item.name,
            format!(
                "on a field `{0}` means that field; several fields go on the struct: \
                 `#[table({0}(a, b))]`",
                item.name
            ),
        );
    } else {
        word(slot, item, errors);
    }
}

fn json(item: &Item, errors: &Errors) -> Option<JsonAttribute> {
    let name = item.name.clone();
    match &item.value {
        ItemValue::None => return Some(JsonAttribute { name, schema: false }),
        ItemValue::List(list) if list.to_string() == "schema" => {
            return Some(JsonAttribute { name, schema: true });
        }
        _ => errors.at(&name, "write `json`, or `json(schema)` to describe the type's inside too"),
    }
    None
}

fn default(item: &Item, errors: &Errors) -> Option<DefaultAttribute> {
    let name = item.name.clone();
    match &item.value {
        ItemValue::None => Some(DefaultAttribute { name, expression: None }),
        ItemValue::Assigned(value) => {
            Some(DefaultAttribute { name, expression: Some(value.clone()) })
        }
        ItemValue::List(_) => {
            errors.at(&name, "write `default` for `Default::default()`, or `default = value`");
            None
        }
    }
}

/// A whole `vector` attribute, for messages.
pub const VECTOR_EXAMPLE: &str = "vector(dim = 384, metric = \"cosine\")";

fn vector(item: &Item, errors: &Errors) -> Option<VectorAttribute> {
    const NAMES: [&str; 3] = ["dim", "metric", "element"];

    let list = match &item.value {
        // An array says its length by itself.
        ItemValue::None => TokenStream::new(),
        ItemValue::List(list) => list.clone(),
        ItemValue::Assigned(_) => {
            errors.at(&item.name, format!("`vector` takes a list; write `{VECTOR_EXAMPLE}`"));
            return None;
        }
    };
    let (mut dimension, mut metric, mut element) = (None, None, None);
    let mut tried_dimension = false;
    for part in items_of(list, errors) {
        let name = &part.name;
        match name.to_string().as_str() {
            "dim" => {
                tried_dimension = true;
                if let Some(value) = part.assigned("dim = 384", errors) {
                    set(&mut dimension, name, value, errors);
                }
            }
            "metric" => {
                if let Some(value) = part.string("cosine", errors) {
                    set(&mut metric, name, value, errors);
                }
            }
            "element" => {
                if let Some(value) = part.string("f32", errors) {
                    set(&mut element, name, value, errors);
                }
            }
            "dimension" | "dimensions" | "size" | "len" => {
                tried_dimension = true;
                errors.at(name, format!("there is no attribute `{name}`; did you mean `dim`?"));
            }
            unknown => {
                let rest = did_you_mean(unknown, NAMES, || format!("; write `{VECTOR_EXAMPLE}`"));
                errors.at(name, format!("`vector` has no attribute `{unknown}`{rest}"));
            }
        }
    }
    Some(VectorAttribute { name: item.name.clone(), dimension, tried_dimension, metric, element })
}
