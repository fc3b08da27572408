//! Embedded structs: fields that stand for several columns, and the structs that these have.

use quote::{ToTokens as _, quote};
use syn::{Data, DeriveInput, Fields, Ident, ext::IdentExt as _};

use super::{Column, Content, Known, Table, check, description, name};
use crate::{
    errors::Errors,
    parse::{EmbedAttribute, EmbedAttributes, FieldAttributes, FieldPath, rename_all},
};

/// An index of which some columns are embedded. Its name is made when the columns are known.
pub struct EmbeddedIndex {
    pub columns: Vec<IndexedColumn>,
    pub unique: bool,
}

/// A column of an [`EmbeddedIndex`].
pub enum IndexedColumn {
    /// The position of a field.
    Field(usize),
    /// The position of an embedded field, and the path within.
    Within(usize, Vec<Ident>),
}

/// What the names of an embedded field's columns begin with.
pub fn prefix(written: &EmbedAttribute, column_name: &str, errors: &Errors) -> String {
    let Some(prefix) = &written.prefix else { return format!("{column_name}_") };
    let text = prefix.value();
    if !text.is_empty()
        && let Some(problem) = name::problem("prefix", &text)
    {
        errors.at(prefix, problem);
    }
    text
}

/// Every rule about a field that is embedded.
pub fn check_field(column: &Column<'_>, errors: &Errors) {
    let written = &column.written;
    let Some(embed) = &written.embed else { return };
    let others = written.names().filter(|name| *name != "embed");
    for other in others {
        let field = column.ident;
        let message = match &*other.to_string() {
            "rename" if embed.prefix.is_none() => continue,
            "rename" => {
                "`embed(prefix = \"..\")` names the columns already; remove `rename`".into()
            }
            "key" | "auto" => {
                "a key's columns stand in the table itself; write each of them there \
                               with `#[table(key)]`, or keep them with `#[table(embed)]` alone"
                    .into()
            }
            "index" | "unique" => format!(
                "`{field}` is several columns; write `{other}({field}.column)` above the struct"
            ),
            "created_at" | "updated_at" | "version" | "soft_delete" => {
                format!("`{field}` is several columns; give the table a field for `{other}` alone")
            }
            _ => format!(
                "the fields of `{}` say what its columns are; remove `{other}` here, or write it \
                 there",
                column.type_text()
            ),
        };
        errors.at(other, message);
    }
    if let Some(inner) = column.optional {
        errors.at(
            column.ty(),
            format!(
                "an embedded struct is always there; write `{0}`, with fields that are `Option`, \
                 or keep `Option<{0}>` in one column with `#[table(json)]`",
                inner.to_token_stream().to_string().replace(' ', "")
            ),
        );
    } else if column.known != Known::Unknown {
        errors.at(
            &embed.name,
            format!("`{}` has no fields to embed; remove `embed`", column.type_text()),
        );
    }
}

/// The index, if it has embedded columns; `None` after a mistake, which is reported, too.
pub fn index(
    table: &Table<'_>,
    fields: &[FieldPath],
    unique: bool,
    errors: &Errors,
) -> Option<EmbeddedIndex> {
    let mut columns = Vec::with_capacity(fields.len());
    let mut complete = true;
    for path in fields {
        let field = &path.field;
        let Some(position) = table.columns.iter().position(|column| column.ident == field) else {
            errors.at(field, super::index::unknown_field(table, field, "an index"));
            complete = false;
            continue;
        };
        let column = &table.columns[position];
        if path.within.is_empty() {
            if let Some(problem) = check::index_problem(column) {
                errors.at(field, problem);
                complete = false;
            }
            columns.push(IndexedColumn::Field(position));
        } else if column.is_embedded() {
            columns.push(IndexedColumn::Within(position, path.within.clone()));
        } else {
            errors.at(
                field,
                format!(
                    "`{field}` is one column; write `{field}` alone, or embed its struct with \
                     `#[table(embed)]`"
                ),
            );
            complete = false;
        }
    }
    complete.then_some(EmbeddedIndex { columns, unique })
}

impl<'a> Table<'a> {
    /// The model of a struct that is embedded: a table without a name and a key.
    pub fn embedded(input: &'a DeriveInput, errors: &Errors) -> Self {
        let attributes = EmbedAttributes::parse(&input.attrs, errors);
        let rename_all = rename_all(&input.attrs);
        if !input.generics.params.is_empty() {
            errors.at(
                &input.generics,
                "an embedded struct's columns have fixed types; remove the parameters and write \
                 the types",
            );
        }
        let mut columns = Vec::new();
        let mut skipped = Vec::new();
        for field in named_fields(input, errors).into_iter().flatten() {
            let Some(ident) = &field.ident else { continue };
            let written = FieldAttributes::parse(&field.attrs, errors);
            check_attributes(&written, errors);
            if check::is_skipped(&written, errors) {
                skipped.push(field);
            } else {
                columns.push(Column::new(field, ident, written, rename_all, errors));
            }
        }
        let table = Self {
            input,
            krate: attributes.krate.unwrap_or_else(|| quote!(::storehouse)),
            name: String::new(),
            schema: None,
            description: description(&input.attrs),
            columns,
            skipped,
            key: Vec::new(),
            auto: None,
            indexes: Vec::new(),
            embedded_indexes: Vec::new(),
            shard_by: None,
            rename_from: None,
            changes: false,
            references: Vec::new(),
            columns_type: attributes.columns,
        };
        check::column_names(&table, errors);
        table
    }

    /// Takes away the columns that are embedded and of a type that never can be, which is
    /// reported; rustc would report it again.
    ///
    /// Positions change, so this is for stand-ins, of which nothing ever runs.
    pub fn drop_what_cannot_be_embedded(&mut self) {
        let can_be = |column: &Column<'_>| {
            !column.is_embedded() || (column.optional.is_none() && column.known == Known::Unknown)
        };
        if !self.columns.iter().all(can_be) {
            self.columns.retain(can_be);
            self.key = super::positions(&self.columns, |column| column.written.key.is_some());
            self.auto = None;
            self.shard_by = None;
            self.indexes.clear();
            self.embedded_indexes.clear();
            self.references.clear();
        }
    }

    /// Whether some columns are those of embedded structs.
    pub fn has_embedded(&self) -> bool {
        self.columns.iter().any(Column::is_embedded)
    }
}

/// What belongs to the table and not to a struct that tables embed.
fn check_attributes(written: &FieldAttributes, errors: &Errors) {
    if let Some(references) = &written.references {
        errors.at(
            &references.name,
            "a reference belongs to the table; write the field that refers to a row there",
        );
    }
    for (_, name) in written.managed.written() {
        errors.at(
            name,
            format!("a managed column stands in the table itself; write the `{name}` field there"),
        );
    }
    let vector = written.vector.as_ref().map(|vector| &vector.name);
    for name in written.key.iter().chain(&written.auto) {
        errors.at(
            name,
            format!("a key belongs to the table; remove `{name}`, and write the key's field there"),
        );
    }
    for name in written.index.iter().chain(&written.unique) {
        errors.at(
            name,
            format!(
                "an index belongs to the table; write `{name}(field.column)` above the struct \
                 that embeds this one"
            ),
        );
    }
    for name in vector.into_iter().chain(&written.metadata) {
        errors.at(
            name,
            format!("what is searched by similarity stands in the table itself; write the `{name}` field there"),
        );
    }
}

/// The fields of the struct; `None` when it has no named ones, which is reported.
fn named_fields<'a>(
    input: &'a DeriveInput,
    errors: &Errors,
) -> Option<impl Iterator<Item = &'a syn::Field>> {
    let name = input.ident.unraw();
    let example = format!("write `struct {name} {{ street: String, .. }}`");
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => return Some(fields.named.iter()),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => errors.at(
                &fields.unnamed,
                "a column needs a name; give the field one, or write `#[derive(TableNewtype)]` \
                 for a column of its own",
            ),
            Fields::Unnamed(fields) => {
                errors.at(&fields.unnamed, format!("a column needs a name; {example}"));
            }
            Fields::Named(_) | Fields::Unit => {
                errors.at(&input.ident, format!("an embedded struct needs a column; {example}"));
            }
        },
        Data::Enum(data) => errors.at(
            data.enum_token,
            "`TableEmbed` is for structs; write `#[derive(TableEnum)]` for an enum",
        ),
        Data::Union(data) => {
            errors.at(data.union_token, format!("`TableEmbed` is for structs; {example}"));
        }
    }
    None
}

impl Column<'_> {
    /// Whether it is an embedded struct, and so several columns.
    pub const fn is_embedded(&self) -> bool {
        matches!(self.content, Content::Embedded { .. })
    }
}
