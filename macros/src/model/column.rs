//! One field as a column.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Field, Ident, LitStr, Type, ext::IdentExt as _};

use super::{Known, case, check, description, embed, name, type_name};
use crate::{
    errors::Errors,
    parse::{FieldAttributes, ManagedKind, RenameRule, SerdeName, VectorAttribute},
};

/// A field that is stored.
pub struct Column<'a> {
    pub field: &'a Field,
    pub ident: &'a Ident,
    pub written: FieldAttributes,
    pub name: String,
    /// Where a message about the name belongs.
    pub name_place: TokenStream,
    /// The name of its constant, `PRICE`.
    pub constant: Ident,
    pub description: Option<String>,
    /// What the type is, as far as its tokens tell.
    pub known: Known,
    /// The `T` of `Option<T>`.
    pub optional: Option<&'a Type>,
    pub content: Content,
}

/// How the column is encoded, beyond what its type says.
pub enum Content {
    /// As its type is.
    Plain,
    /// As JSON; whether its JSON Schema describes the inside.
    Json { schema: bool },
    /// As a vector.
    Vector(Vector),
    /// As several columns, whose names begin with the prefix.
    Embedded { prefix: String },
}

/// A vector column's parameters, checked.
pub struct Vector {
    /// `None` when it is left to the type.
    pub dimension: Option<u32>,
    /// The variant's name in `Metric`.
    pub metric: &'static str,
    /// The variant's name in `VectorElement`; `None` when it is left to the type.
    pub element: Option<&'static str>,
}

/// The value of a column that was left out.
pub enum Default<'a> {
    /// That of the type.
    OfType,
    Expression(&'a TokenStream),
}

impl<'a> Column<'a> {
    pub fn new(
        field: &'a Field,
        ident: &'a Ident,
        written: FieldAttributes,
        rename_all: Option<RenameRule>,
        errors: &Errors,
    ) -> Self {
        let (name, name_place) = column_name(ident, &written, rename_all, errors);
        let content = match (&written.embed, &written.json, &written.vector) {
            (Some(written), ..) => {
                Content::Embedded { prefix: embed::prefix(written, &name, errors) }
            }
            (None, Some(json), _) => Content::Json { schema: json.schema },
            (None, None, Some(vector)) => Content::Vector(Vector::new(vector, errors)),
            (None, None, None) => Content::Plain,
        };
        let constant = case::screaming_snake_case(&ident.unraw().to_string());
        let column = Self {
            field,
            ident,
            written,
            name,
            name_place,
            constant: Ident::new(&constant, ident.span()),
            description: description(&field.attrs),
            known: Known::of(&field.ty),
            optional: type_name::option_inner(&field.ty),
            content,
        };
        check::column(&column, errors);
        column
    }

    pub const fn ty(&self) -> &'a Type {
        &self.field.ty
    }

    pub const fn is_key(&self) -> bool {
        self.written.key.is_some()
    }

    pub const fn is_json(&self) -> bool {
        matches!(self.content, Content::Json { .. })
    }

    /// What the store does with the column by itself.
    pub fn managed(&self) -> Option<ManagedKind> {
        self.written.managed.written().map(|(kind, _)| kind).next()
    }

    /// Whether only the store sets the column.
    fn is_never_given(&self) -> bool {
        self.managed().is_some_and(|kind| kind != ManagedKind::CreatedAt)
    }

    /// Whether an insert has to give the column.
    pub fn must_be_given(&self) -> bool {
        !self.is_never_given() && !self.may_be_left_out()
    }

    /// Whether an insert may give the column or leave it out.
    pub fn may_be_left_out(&self) -> bool {
        !self.is_never_given()
            && (self.written.auto.is_some()
                || self.written.default.is_some()
                || self.optional.is_some()
                || self.managed().is_some())
    }

    /// Whether an update may set the column.
    pub fn may_be_patched(&self) -> bool {
        !self.is_key() && self.managed().is_none()
    }

    pub fn default(&self) -> Option<Default<'_>> {
        let default = self.written.default.as_ref()?;
        Some(default.expression.as_ref().map_or(Default::OfType, Default::Expression))
    }

    /// `json` or `vector`, as it was written.
    pub fn content_attribute(&self) -> Option<&Ident> {
        let json = self.written.json.as_ref().map(|json| &json.name);
        json.or(self.written.vector.as_ref().map(|vector| &vector.name))
    }

    /// The type as it was written, for messages.
    pub fn type_text(&self) -> String {
        self.ty().to_token_stream().to_string().replace(' ', "")
    }

    /// The type that a `json` column keeps as JSON: the field's, without an `Option`.
    pub fn document(&self) -> &'a Type {
        self.optional.unwrap_or(&self.field.ty)
    }

    /// The field's doc comment, or a sentence that stands in for it.
    pub fn docs(&self) -> TokenStream {
        let written = self.field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
        let written = quote!(#(#written)*);
        if written.is_empty() {
            let text = if self.is_embedded() {
                format!(" The columns of `{}`.", self.ident)
            } else {
                format!(" The `{}` column.", self.name)
            };
            quote!(#[doc = #text])
        } else {
            written
        }
    }
}

/// The name and where it was written: `#[table(rename)]`, else serde's, else the field's.
fn column_name(
    ident: &Ident,
    written: &FieldAttributes,
    rename_all: Option<RenameRule>,
    errors: &Errors,
) -> (String, TokenStream) {
    let field_name = || ident.unraw().to_string();
    let (name, place) = match (&written.rename, &written.serde.rename) {
        (Some((_, name)), _) | (None, Some(SerdeName::Same(name))) => {
            (name.value(), name.to_token_stream())
        }
        (None, Some(SerdeName::Different(rename))) => {
            errors.at(
                rename,
                "the names to write and to read differ, and a column has one; \
                 choose it with `#[table(rename = \"..\")]`",
            );
            (field_name(), ident.to_token_stream())
        }
        (None, None) => {
            let name = field_name();
            let name = rename_all.map_or(name.clone(), |rule| rule.apply(&name));
            (name, ident.to_token_stream())
        }
    };
    if let Some(problem) = name::problem("column", &name) {
        errors.at(&place, problem);
    }
    (name, place)
}

impl Vector {
    fn new(written: &VectorAttribute, errors: &Errors) -> Self {
        let dimension = written.dimension.as_ref().map(|dimension| {
            match dimension.base10_parse::<u32>() {
                Ok(number) if number > 0 => number,
                _ => {
                    errors
                        .at(dimension, "a vector has at least 1 dimension, and 4294967295 at most; write the length of yours");
                    1
                }
            }
        });
        let metrics = [("cosine", "Cosine"), ("l2", "L2"), ("dot", "Dot")];
        Self {
            dimension,
            metric: one_of("metric", &metrics, written.metric.as_ref(), errors),
            element: (written.element.as_ref())
                .map(|element| one_of("element", &ELEMENTS, Some(element), errors)),
        }
    }
}

/// What `element` can be, with the variants of `VectorElement`.
const ELEMENTS: [(&str, &str); 3] = [("f32", "F32"), ("f16", "F16"), ("i8", "I8")];

/// The variant that the string names; the first when there is no string.
fn one_of(
    what: &str,
    choices: &[(&str, &'static str)],
    written: Option<&LitStr>,
    errors: &Errors,
) -> &'static str {
    let Some(written) = written else { return choices[0].1 };
    let name = written.value();
    if let Some((_, variant)) = choices.iter().find(|(choice, _)| *choice == name) {
        return variant;
    }
    let names: Vec<String> = choices.iter().map(|(choice, _)| format!("\"{choice}\"")).collect();
    errors.at(written, format!("there is no {what} \"{name}\"; write {}", names.join(" or ")));
    choices[0].1
}
