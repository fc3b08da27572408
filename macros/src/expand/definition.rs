//! `impl Table`: the definition, as data.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use storehouse_sql::{CrudSql, Dialect, Shape};
use syn::spanned::Spanned as _;

use super::{Expand, Position};
use crate::{
    model::{Column, Content, Default, Known},
    parse::PreviousNames,
};

impl Expand<'_> {
    /// ```text
    /// impl Table for Product {
    ///     type Patch = ProductPatch;
    ///     type Columns = Self;
    ///
    ///     fn definition() -> &'static Arc<TableDef> {
    ///         static __CELL: DefinitionCell = DefinitionCell::new();
    ///         __CELL.get(|| TableDef {
    ///             schema: None,
    ///             name: Cow::Borrowed("products"),
    ///             description: None,
    ///             columns: Cow::Borrowed(const { &[ColumnDef { .. }, ..] }),
    ///             key: Cow::Borrowed(&[0]),
    ///             auto: Some(0),
    ///             indexes: Cow::Borrowed(const { &[IndexDef { .. }, ..] }),
    ///             shard_by: None,
    ///             references: Cow::Borrowed(&[]),
    ///             managed: ManagedColumns::NONE,
    ///             rename_from: Cow::Borrowed(&[]),
    ///             changes: false,
    ///             given_schema: None,
    ///             sql: DerivedSql {
    ///                 postgres: postgres_sql!(CrudSql { .. }),
    ///                 sqlite: sqlite_sql!(CrudSql { .. }),
    ///             },
    ///         })
    ///     }
    /// }
    /// ```
    pub fn table(&self) -> TokenStream {
        let krate = self.krate;
        let table = self.table;
        let name = table.ident();
        let patch = table.beside("Patch");
        let schema = option(table.schema.as_ref().map(|schema| self.borrowed(schema)));
        let table_name = self.borrowed(&table.name);
        let description = option(table.description.as_ref().map(|text| self.borrowed(text)));
        let changes = table.changes;
        let key = self.position_list(&table.key);
        let auto = option(table.auto.map(|auto| self.position(auto)));
        let indexes = table.indexes.iter().map(|index| {
            let name = self.borrowed(&index.name);
            let (columns, unique) = (self.position_list(&index.columns), index.unique);
            quote! {
                #krate::IndexDef {
                    name: #name,
                    columns: #krate::__private::Cow::Borrowed(#columns),
                    unique: #unique,
                }
            }
        });
        let indexes = quote!(const { &[#(#indexes),*] });
        let shard_by = option(table.shard_by.map(|column| self.position(column)));
        let references = self.reference_definitions();
        let columns_type = self.columns_type();
        let managed = self.managed_columns();
        let rename_from = self.rename_from(table.rename_from.as_ref());
        let sql = self.sql_or_default(|| {
            let postgres = self.crud(Dialect::Postgres);
            let sqlite = self.crud(Dialect::Sqlite);
            quote! {
                #krate::DerivedSql {
                    postgres: #krate::__private::postgres_sql!(#postgres),
                    sqlite: #krate::__private::sqlite_sql!(#sqlite),
                }
            }
        });
        // Only what is known of each column, or all of it, is a constant.
        let (tree, composed, columns, indexes) = if table.has_embedded() {
            let cow = quote!(#krate::__private::Cow);
            let composed = self.composed_definition(&indexes);
            (
                Some(self.column_tree()),
                Some(composed),
                quote!(#cow::Owned(columns)),
                quote!(indexes),
            )
        } else {
            let columns = self.columns().map(|(position, column)| self.column(&position, column));
            let borrowed = |list| quote!(#krate::__private::Cow::Borrowed(#list));
            let columns = borrowed(quote!(const { &[#(#columns),*] }));
            (None, None, columns, borrowed(indexes))
        };
        let made = quote! {
            #krate::TableDef {
                schema: #schema,
                name: #table_name,
                description: #description,
                columns: #columns,
                key: #krate::__private::Cow::Borrowed(#key),
                auto: #auto,
                indexes: #indexes,
                shard_by: #shard_by,
                references: #references,
                managed: #managed,
                rename_from: #rename_from,
                changes: #changes,
                given_schema: ::core::option::Option::None,
                sql: #sql,
            }
        };
        let made = composed.map_or(made.clone(), |composed| quote!({ #composed #made }));
        quote! {
            #tree

            #[automatically_derived]
            impl #krate::Table for #name {
                type Patch = #patch;
                type Columns = #columns_type;

                fn definition() -> &'static #krate::__private::Arc<#krate::TableDef> {
                    static __CELL: #krate::__private::DefinitionCell =
                        #krate::__private::DefinitionCell::new();
                    __CELL.get(|| #made)
                }
            }
        }
    }

    /// ```text
    /// ColumnDef {
    ///     name: Cow::Borrowed("price"),
    ///     column_type: <f64 as ColumnValue>::TYPE,
    ///     nullable: <f64 as ColumnValue>::NULLABLE,
    ///     description: None,
    ///     default: Some(|| <f64 as ColumnValue>::into_value(<f64 as Default>::default())),
    ///     role: ColumnRole::Plain,
    ///     json_schema: None,
    ///     rename_from: Cow::Borrowed(&[]),
    /// }
    /// ```
    pub fn column(&self, position: &Position, column: &Column<'_>) -> TokenStream {
        let krate = self.krate;
        let name = self.borrowed(&column.name);
        let value = self.as_codec(column);
        let column_type = match &column.content {
            // An embedded struct is never asked for here: its columns are its own business.
            Content::Plain | Content::Embedded { .. } => quote!(#value::TYPE),
            Content::Json { .. } => quote!(#krate::ColumnType::Json),
            Content::Vector(vector) => {
                let dimension = if let Some(dimension) = vector.dimension {
                    dimension.to_token_stream()
                } else {
                    let ty = column.ty();
                    quote_spanned! {ty.span()=>
                        <#value::Length as #krate::codec::KnownLength>::DIMENSION
                    }
                };
                let metric = format_ident!("{}", vector.metric);
                quote! {
                    #krate::ColumnType::Vector(#krate::VectorType {
                        dimension: #dimension,
                        metric: #krate::Metric::#metric,
                        element: #value::ELEMENT,
                    })
                }
            }
        };
        let nullable = if column.is_json() {
            column.optional.is_some().to_token_stream()
        } else {
            quote!(#value::NULLABLE)
        };
        let description = option(column.description.as_ref().map(|text| self.borrowed(text)));
        let default =
            option(column.default().map(|default| self.default(position, column, &default)));
        let role = if column.written.text.is_some() {
            quote!(Text)
        } else if column.written.metadata.is_some() {
            quote!(Metadata)
        } else {
            quote!(Plain)
        };
        let json_schema = option(match column.content {
            Content::Json { schema: true } => {
                let ty = column.document();
                Some(quote_spanned! {ty.span()=>
                    <#ty as #krate::codec::DescribedJson>::SCHEMA
                })
            }
            _ => None,
        });
        let rename_from = self.rename_from(column.written.rename_from.as_ref());
        // What may be a type of the user's own is asked.
        let is_own = matches!(column.content, Content::Plain)
            && matches!(column.known, Known::Unknown | Known::DateTime);
        let json_schema = if is_own { quote!(#value::SCHEMA) } else { json_schema };
        quote! {
            #krate::ColumnDef {
                name: #name,
                column_type: #column_type,
                nullable: #nullable,
                description: #description,
                default: #default,
                role: #krate::ColumnRole::#role,
                json_schema: #json_schema,
                rename_from: #rename_from,
            }
        }
    }

    /// The expression has its own `let`, so that a wrong type is reported at the expression and
    /// says which type the field has.
    ///
    /// ```text
    /// || {
    ///     let value: i64 = 100;
    ///     <i64 as ColumnValue>::into_value(value)
    /// }
    /// ```
    fn default(
        &self,
        position: &Position,
        column: &Column<'_>,
        default: &Default<'_>,
    ) -> TokenStream {
        let krate = self.krate;
        let ty = column.ty();
        let expression = match default {
            Default::OfType => {
                quote_spanned!(ty.span()=> <#ty as ::core::default::Default>::default())
            }
            Default::Expression(expression) => expression.to_token_stream(),
        };
        let value = quote!(value);
        let encoded = if column.is_json() {
            let encoded = self.encode_json(position, column, &value);
            quote!(#krate::__private::json_default(#encoded))
        } else {
            self.encode(position, column, &value)
        };
        quote! {
            || {
                let value: #ty = #expression;
                #encoded
            }
        }
    }

    /// ```text
    /// CrudSql { select: Cow::Borrowed("SELECT .."), .. }
    /// ```
    fn crud(&self, dialect: Dialect) -> TokenStream {
        let krate = self.krate;
        let table = self.table;
        let columns: Vec<&str> = table.columns.iter().map(|column| &*column.name).collect();
        let shape = Shape {
            schema: table.schema.as_deref(),
            table: &table.name,
            columns: &columns,
            key: &table.key,
            managed: self.managed_shape(),
        };
        // Taken apart without `..`, so that a new statement cannot be forgotten here.
        let CrudSql {
            select,
            get,
            insert,
            put,
            put_checked,
            insert_if_absent,
            delete,
            delete_all,
            size,
        } = shape.crud(dialect);
        let put_checked = option(put_checked.map(|sql| self.borrowed(&sql)));
        let fields = [
            ("select", select),
            ("get", get),
            ("insert", insert),
            ("put", put),
            ("insert_if_absent", insert_if_absent),
            ("delete", delete),
            ("delete_all", delete_all),
            ("size", size),
        ]
        .map(|(name, sql)| {
            let name = format_ident!("{name}");
            let sql = self.borrowed(&sql);
            quote!(#name: #sql)
        });
        quote!(#krate::__private::CrudSql { #(#fields,)* put_checked: #put_checked })
    }

    /// The names that something had before.
    fn rename_from(&self, previous: Option<&PreviousNames>) -> TokenStream {
        let krate = self.krate;
        let Some(previous) = previous else {
            return quote!(#krate::__private::Cow::Borrowed(&[]));
        };
        let names = previous.names.iter().map(|name| self.borrowed(&name.value()));
        quote!(#krate::__private::Cow::Borrowed(const { &[#(#names),*] }))
    }

    fn borrowed(&self, text: &str) -> TokenStream {
        let krate = self.krate;
        quote!(#krate::__private::Cow::Borrowed(#text))
    }
}

pub fn option(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}
