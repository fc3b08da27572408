//! Second phase: what was written becomes a table, and every rule of a table is checked.
//!
//! The model is made even from a faulty struct, as far as possible: the stand-ins that are
//! emitted beside the error messages need it.

mod case;
mod check;
mod column;
mod embed;
mod index;
mod name;
mod own_type;
mod reference;
mod shape;
mod shard;
mod type_name;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{DeriveInput, Expr, ExprLit, Field, Ident, Lit, Meta, ext::IdentExt as _};

pub use self::{
    case::screaming_snake_case,
    column::{Column, Content, Default},
    embed::{EmbeddedIndex, IndexedColumn},
    index::Index,
    own_type::{TableEnum, TableNewtype},
    reference::Reference,
    type_name::{Known, array_length, is_array},
};
use crate::{
    errors::Errors,
    parse::{FieldAttributes, IndexAttribute, PreviousNames, TableAttributes},
};

/// A struct as a table.
pub struct Table<'a> {
    pub input: &'a DeriveInput,
    /// The path of the `storehouse` crate.
    pub krate: TokenStream,
    pub name: String,
    pub schema: Option<String>,
    pub description: Option<String>,
    pub columns: Vec<Column<'a>>,
    /// The fields that are not columns.
    pub skipped: Vec<&'a Field>,
    /// Positions of the key's columns.
    pub key: Vec<usize>,
    pub auto: Option<usize>,
    pub indexes: Vec<Index>,
    /// The indexes of which some columns are embedded.
    pub embedded_indexes: Vec<EmbeddedIndex>,
    /// Position of the column by which rows are spread over servers.
    pub shard_by: Option<usize>,
    pub references: Vec<Reference>,
    /// The names that the table had before.
    pub rename_from: Option<PreviousNames>,
    /// Whether it keeps a log of its changes.
    pub changes: bool,
    /// The type that the column constants move into.
    pub columns_type: Option<Ident>,
}

impl<'a> Table<'a> {
    /// Makes the model; mistakes go to `errors`. What has no named fields has no columns.
    pub fn new(input: &'a DeriveInput, errors: &Errors) -> Self {
        let attributes = TableAttributes::parse(&input.attrs, errors);
        let fields = shape::named_fields(input, errors);
        let has_fields = fields.is_some();

        let mut columns = Vec::new();
        let mut skipped = Vec::new();
        for field in fields.into_iter().flatten() {
            // A named field has a name.
            let Some(ident) = &field.ident else { continue };
            let written = FieldAttributes::parse(&field.attrs, errors);
            if check::is_skipped(&written, errors) {
                skipped.push(field);
            } else {
                columns.push(Column::new(field, ident, written, attributes.rename_all, errors));
            }
        }

        let name = table_name(input, &attributes, errors);
        let mut table = Self {
            input,
            krate: attributes.krate.unwrap_or_else(|| quote!(::storehouse)),
            schema: attributes.schema.map(|schema| {
                if let Some(problem) = name::problem("schema", &schema.value()) {
                    errors.at(&schema, problem);
                }
                schema.value()
            }),
            description: description(&input.attrs),
            key: positions(&columns, |column| column.written.key.is_some()),
            auto: columns.iter().position(|column| column.written.auto.is_some()),
            indexes: Vec::new(),
            embedded_indexes: Vec::new(),
            shard_by: None,
            references: Vec::new(),
            rename_from: attributes.rename_from,
            changes: attributes.changes.is_some(),
            columns_type: attributes.columns,
            name,
            columns,
            skipped,
        };
        if has_fields {
            check::table(&table, errors);
            table.indexes = index::indexes(&table, &attributes.indexes, errors);
            table.references = reference::references(&mut table, errors);
            let is_embedded = |index: &&IndexAttribute| index.is_embedded();
            table.embedded_indexes = (attributes.indexes.iter().filter(is_embedded))
                .filter_map(|index| embed::index(&table, &index.fields, index.unique, errors))
                .collect();
            table.shard_by = shard::position(&table, attributes.shard_by.as_ref(), errors);
        }
        table
    }

    pub const fn ident(&self) -> &'a Ident {
        &self.input.ident
    }

    /// The name of a type beside the struct, such as `ProductInsert`, placed at the struct's
    /// name so that errors about it point there.
    pub fn beside(&self, suffix: &str) -> Ident {
        let name = format!("{}{suffix}", self.ident().unraw());
        Ident::new(&name, self.ident().span())
    }

    /// The struct's name in messages and doc comments.
    pub fn rust_name(&self) -> String {
        self.ident().unraw().to_string()
    }

    /// The columns, each with its position.
    pub fn positioned(&self) -> impl Iterator<Item = (usize, &Column<'a>)> {
        self.columns.iter().enumerate()
    }
}

fn positions(columns: &[Column<'_>], wanted: impl Fn(&Column<'_>) -> bool) -> Vec<usize> {
    (columns.iter().enumerate())
        .filter(|(_, column)| wanted(column))
        .map(|(position, _)| position)
        .collect()
}

fn table_name(input: &DeriveInput, attributes: &TableAttributes, errors: &Errors) -> String {
    let (name, place) = if let Some(name) = &attributes.name {
        (name.value(), name.to_token_stream())
    } else {
        (case::snake_case(&input.ident.unraw().to_string()), input.ident.to_token_stream())
    };
    if let Some(problem) = name::problem("table", &name) {
        errors.at(place, problem);
    } else if name.to_ascii_lowercase().starts_with("sqlite_") {
        errors.at(
            place,
            "SQLite keeps names that begin with `sqlite_` to itself; \
             give the table another with `#[table(name = \"..\")]`",
        );
    }
    name
}

/// The text of a doc comment, without the space that each line begins with.
pub fn description(attributes: &[syn::Attribute]) -> Option<String> {
    let lines: Vec<String> = (attributes.iter())
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(doc) => match &doc.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                // Such as `include_str!(..)`, which a derive cannot read.
                _ => None,
            },
            _ => None,
        })
        .collect();
    let lines: Vec<&str> =
        lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    let text = lines.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}
