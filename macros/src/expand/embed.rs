//! Embedded structs: what `derive(TableEmbed)` writes, and what a table writes for its fields
//! that are embedded.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, spanned::Spanned as _};

use super::{Expand, Position, inside, option};
use crate::model::{Column, Content, IndexedColumn, Table};

/// The code of an embedded struct without mistakes.
pub fn embedded(table: &Table<'_>) -> TokenStream {
    let krate = &table.krate;
    let columns = Expand { table, krate }.handles();
    let inside = inside();
    let expand = Expand { table, krate: &inside };
    let implementations = [
        expand.checks(),
        expand.column_tree(),
        expand.embed(),
        expand.handles_at_place(),
        expand.clone_and_debug_of_handles(),
    ];
    quote! {
        #columns

        #[allow(deprecated, unused_variables, clippy::all, clippy::pedantic)]
        const _: () = {
            use #krate as #inside;

            #(#implementations)*
        };
    }
}

/// The error messages, and the same types and traits with bodies that nothing ever runs.
pub fn embedded_stand_in(mut table: Table<'_>, errors: &TokenStream) -> TokenStream {
    table.drop_what_cannot_be_embedded();
    if !table.input.generics.params.is_empty() {
        table.columns.clear();
    }
    let krate = &table.krate;
    let columns = Expand { table: &table, krate }.handles();
    let inside = inside();
    let expand = Expand { table: &table, krate: &inside };
    let name = table.ident();
    let (parameters, arguments, _) = table.input.generics.split_for_impl();
    let handles = expand.handles_name();
    let row = quote!(__Row);
    let within = (table.columns.iter())
        .filter(|column| column.is_embedded())
        .map(|column| expand.handles_type(column, &row));
    let at_place = expand.handles_at_place();
    let clone_and_debug = expand.clone_and_debug_of_handles();
    quote! {
        #errors

        #columns

        const _: () = {
            use #krate as #inside;

            impl #parameters #inside::Embed for #name #arguments {
                const DEFINITION: &'static [#inside::ColumnTree] = &[];
                type Columns<__Row> = #handles<__Row, #(#within),*>;
                fn encode(
                    self,
                    _: ::core::primitive::usize,
                    _: &mut dyn ::core::ops::FnMut(::core::primitive::usize, #inside::Value),
                ) -> ::core::result::Result<(), #inside::EncodeError> {
                    ::core::unreachable!()
                }
                fn decode(
                    _: &mut dyn #inside::ColumnSource,
                    _: ::core::primitive::usize,
                ) -> ::core::result::Result<Self, #inside::DecodeError> {
                    ::core::unreachable!()
                }
                fn value(
                    &self,
                    _: ::core::primitive::usize,
                    _: ::core::primitive::usize,
                ) -> ::core::result::Result<#inside::Value, #inside::EncodeError> {
                    ::core::unreachable!()
                }
            }
            #at_place
            #clone_and_debug
        };
    }
}

/// The same tokens at one place, so that an error in them is reported there.
fn at(tokens: TokenStream, place: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(place);
            token
        })
        .collect()
}

impl Expand<'_> {
    /// `<Address as ::storehouse::Embed>::COLUMNS`, with every token at the place of the type: so
    /// a struct that lacks the derive gives the same message each time, and rustc prints it once.
    pub fn of_embed(&self, column: &Column<'_>, item: &str) -> TokenStream {
        let krate = self.krate;
        let ty = column.ty();
        let item = Ident::new(item, ty.span());
        quote_spanned!(ty.span()=> <#ty as #krate::Embed>::#item)
    }

    /// Hands each value of an embedded `field` on, in a function that returns a `Result`.
    ///
    /// ```text
    /// <Address as Embed>::encode(self.address, 1, &mut |column, value| row.set(column, value))?;
    /// ```
    pub fn encode_embedded(
        &self,
        position: &Position,
        column: &Column<'_>,
        field: &TokenStream,
        put: &TokenStream,
    ) -> TokenStream {
        let encode = self.of_embed(column, "encode");
        quote!(#encode(#field, #position, &mut |column, value| #put)?;)
    }

    /// The type of an embedded field's handles, in a table `row`.
    pub fn handles_type(&self, column: &Column<'_>, row: &TokenStream) -> TokenStream {
        let columns = self.of_embed(column, "Columns");
        quote_spanned!(column.ty().span()=> #columns<#row>)
    }

    /// The handles of an embedded field of a table.
    ///
    /// ```text
    /// <<Address as Embed>::Columns<Customer> as ColumnsAt<After<Start, 1>>>::COLUMNS
    /// ```
    pub fn handles_in(
        &self,
        number: usize,
        column: &Column<'_>,
        row: &TokenStream,
        base: &TokenStream,
    ) -> TokenStream {
        let krate = self.krate;
        let ty = self.handles_type(column, row);
        let place = self.place(self.table, number, base);
        quote_spanned! {column.ty().span()=>
            <#ty as #krate::__private::ColumnsAt<#place>>::COLUMNS
        }
    }

    /// The columns as they are, with embedded structs as parts, and a check of their whole names
    /// for each such part.
    ///
    /// ```text
    /// const __COLUMNS: &[ColumnTree] = &[
    ///     ColumnTree::Plain(ColumnDef { .. }),
    ///     ColumnTree::Embedded {
    ///         prefix: "address_",
    ///         columns: <Address as Embed>::DEFINITION,
    ///     },
    /// ];
    /// const _: () = check_names::<{ ColumnTree::count(__COLUMNS) }>(__COLUMNS, 1, ..);
    /// ```
    pub fn column_tree(&self) -> TokenStream {
        let krate = self.krate;
        let parts = self.columns().map(|(position, column)| {
            if let Content::Embedded { prefix } = &column.content {
                let definition = self.of_embed(column, "DEFINITION");
                quote! {
                    #krate::ColumnTree::Embedded { prefix: #prefix, columns: #definition }
                }
            } else {
                let column = self.column(&position, column);
                quote!(#krate::ColumnTree::Plain(#column))
            }
        });
        let checks =
            self.columns().filter(|(_, column)| column.is_embedded()).map(|(position, column)| {
                let count = self.of_embed(column, "COLUMNS");
                // At the field's name, where a clash is reported.
                let krate = at(inside(), column.ident.span());
                quote_spanned! {column.ident.span()=>
                    const _: () = #krate::__private::check_names::<
                        { #krate::ColumnTree::count(__COLUMNS) },
                    >(__COLUMNS, #position, #count);
                }
            });
        quote! {
            const __COLUMNS: &[#krate::ColumnTree] = &[#(#parts),*];
            #(#checks)*
        }
    }

    /// The indexes that have embedded columns: their positions, and whether they are unique.
    ///
    /// ```text
    /// const { &[(&[2, Customer::ADDRESS.city.indexed()], false)] }
    /// ```
    pub fn embedded_indexes(&self) -> TokenStream {
        let table = self.table;
        let holder = table.columns_type.as_ref().unwrap_or(table.ident());
        let indexes = table.embedded_indexes.iter().map(|index| {
            let columns = index.columns.iter().map(|column| match column {
                IndexedColumn::Field(number) => {
                    let position = self.position(*number);
                    quote!(#position)
                }
                IndexedColumn::Within(number, path) => {
                    let constant = &table.columns[*number].constant;
                    // At the last name, where a type that cannot be indexed is reported.
                    let last = path.last().map_or(constant.span(), Ident::span);
                    let at_last = |name: &Ident| {
                        let mut name = name.clone();
                        name.set_span(last);
                        name
                    };
                    let (holder, constant) = (at_last(holder), at_last(constant));
                    quote_spanned!(last=> #holder::#constant #(.#path)*.indexed())
                }
            });
            let unique = index.unique;
            quote!((&[#(#columns),*], #unique))
        });
        quote!(const { &[#(#indexes),*] })
    }

    fn handles_name(&self) -> Ident {
        self.table.columns_type.clone().unwrap_or_else(|| self.table.beside("Columns"))
    }

    /// The parameters for the handles of embedded structs, each with the number of its column.
    ///
    /// They are parameters, since a type that names `<Geo as Embed>::Columns` in a field is
    /// reported in every implementation for it when `Geo` lacks the derive.
    fn within(&self) -> Vec<(usize, Ident)> {
        (self.table.positioned())
            .filter(|(_, column)| column.is_embedded())
            .map(|(number, column)| {
                (number, Ident::new(&format!("__Within{number}"), column.ty().span()))
            })
            .collect()
    }

    /// ```text
    /// /// The columns of an `Address` in a table `T`.
    /// pub struct AddressColumns<T, __Within1 = <Geo as Embed>::Columns<T>> {
    ///     pub street: Column<T, String>,
    ///     pub geo: __Within1,
    /// }
    /// ```
    fn handles(&self) -> TokenStream {
        let krate = self.krate;
        let name = self.handles_name();
        let visibility = &self.table.input.vis;
        let docs =
            format!(" The columns of an embedded `{}` in a table `T`.", self.table.rust_name());
        let row = quote!(T);
        let within = self.within();
        let parameters = within.iter().map(|(number, parameter)| {
            let column = &self.table.columns[*number];
            let ty = self.handles_type(column, &row);
            quote_spanned!(column.ty().span()=> #parameter = #ty)
        });
        let fields = self.table.positioned().map(|(number, column)| {
            let (visibility, ident, docs) = (&column.field.vis, column.ident, column.docs());
            let parameter = within.iter().find(|(of, _)| *of == number);
            let ty = if let Some((_, parameter)) = parameter {
                quote!(#parameter)
            } else {
                let ty = self.constant_type(column);
                quote!(#krate::Column<T, #ty>)
            };
            quote!(#docs #visibility #ident: #ty)
        });
        // The parameter is used, also where every column is within another struct.
        let row = &self.needs_row().then(|| quote!(#[doc(hidden)] _row: #krate::Column<T, ()>));
        quote! {
            #[doc = #docs]
            #[allow(dead_code, non_snake_case)]
            #visibility struct #name<T, #(#parameters),*> { #(#fields,)* #row }
        }
    }

    /// Whether no field of the handles names the table.
    fn needs_row(&self) -> bool {
        self.table.columns.iter().all(Column::is_embedded)
    }

    /// ```text
    /// impl<T: Row, P: Place, __Within1: ColumnsAt<After<P, 1>>> ColumnsAt<P>
    ///     for AddressColumns<T, __Within1>
    /// {
    ///     const COLUMNS: Self = Self {
    ///         street: Column::new(P::POSITION),
    ///         geo: __Within1::COLUMNS,
    ///     };
    /// }
    /// ```
    fn handles_at_place(&self) -> TokenStream {
        let krate = self.krate;
        let name = self.handles_name();
        let place = quote!(P);
        let within = self.within();
        let parameters = within.iter().map(|(number, parameter)| {
            let place = self.place(self.table, *number, &place);
            quote!(#parameter: #krate::__private::ColumnsAt<#place>)
        });
        let arguments = within.iter().map(|(_, parameter)| parameter);
        let columns = self.columns_from(Some(quote!(P::POSITION))).enumerate();
        let fields = columns.map(|(number, (position, column))| {
            let ident = column.ident;
            if let Some((_, parameter)) = within.iter().find(|(of, _)| *of == number) {
                quote!(#ident: #parameter::COLUMNS)
            } else {
                quote!(#ident: #krate::Column::new(#position))
            }
        });
        let row = self.needs_row().then(|| quote!(_row: #krate::Column::new(0)));
        quote! {
            #[automatically_derived]
            impl<T: #krate::Row, P: #krate::__private::Place, #(#parameters),*>
                #krate::__private::ColumnsAt<P> for #name<T, #(#arguments),*>
            {
                const COLUMNS: Self = Self { #(#fields,)* #row };
            }
        }
    }

    /// `Clone`, `Copy` and `Debug`, which a derive would only give where the table has them.
    fn clone_and_debug_of_handles(&self) -> TokenStream {
        let name = self.handles_name();
        let text = name.to_string();
        let idents: Vec<&Ident> = self.table.columns.iter().map(|column| column.ident).collect();
        let texts = idents.iter().map(|ident| syn::ext::IdentExt::unraw(*ident).to_string());
        let within: Vec<Ident> =
            self.within().into_iter().map(|(_, parameter)| parameter).collect();
        quote! {
            #[automatically_derived]
            impl<T, #(#within: ::core::marker::Copy),*> ::core::clone::Clone
                for #name<T, #(#within),*>
            {
                fn clone(&self) -> Self {
                    *self
                }
            }

            #[automatically_derived]
            impl<T, #(#within: ::core::marker::Copy),*> ::core::marker::Copy
                for #name<T, #(#within),*> {}

            #[automatically_derived]
            impl<T, #(#within: ::core::fmt::Debug),*> ::core::fmt::Debug
                for #name<T, #(#within),*>
            {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct(#text)#(.field(#texts, &self.#idents))*.finish()
                }
            }
        }
    }

    /// ```text
    /// impl Embed for Address {
    ///     const DEFINITION: &'static [ColumnTree] = __COLUMNS;
    ///     type Columns<T> = AddressColumns<T>;
    ///
    ///     fn encode(
    ///         self,
    ///         position: usize,
    ///         put: &mut dyn FnMut(usize, Value),
    ///     ) -> Result<(), EncodeError> {
    ///         put(position, <String as ColumnValue>::into_value(self.street));
    ///         <Geo as Embed>::encode(self.geo, position + 1, put)?;
    ///         Ok(())
    ///     }
    ///
    ///     fn decode(source: &mut dyn ColumnSource, position: usize) -> Result<Self, DecodeError> {
    ///         Ok(Self {
    ///             street: <String as ColumnValue>::decode(source, position)?,
    ///             geo: <Geo as Embed>::decode(source, position + 1)?,
    ///         })
    ///     }
    ///
    ///     fn value(&self, position: usize, column: usize) -> Result<Value, EncodeError> {
    ///         if column == position {
    ///             return Ok(<String as ColumnValue>::to_value(&self.street));
    ///         }
    ///         if column.wrapping_sub(position + 1) < <Geo as Embed>::COLUMNS {
    ///             return <Geo as Embed>::value(&self.geo, position + 1, column);
    ///         }
    ///         Ok(Value::Null)
    ///     }
    /// }
    /// ```
    fn embed(&self) -> TokenStream {
        let krate = self.krate;
        let name = self.table.ident();
        let handles = self.handles_name();
        let mut encoded = Vec::new();
        let mut decoded = Vec::new();
        let mut copied = Vec::new();
        for (position, column) in self.columns_from(Some(quote!(position))) {
            let ident = column.ident;
            let field = quote!(self.#ident);
            let decode = self.decode(&position, column);
            decoded.push(quote!(#ident: #decode));
            copied.push(self.copy_if(&position, column));
            encoded.push(if column.is_embedded() {
                let encode = self.of_embed(column, "encode");
                quote!(#encode(#field, #position, put)?;)
            } else {
                let value = self.encode(&position, column, &field);
                quote!(put(#position, #value);)
            });
        }
        let skipped = self.skipped();
        let row = quote!(T);
        let embedded = || self.table.columns.iter().filter(|column| column.is_embedded());
        let within = embedded().map(|column| self.handles_type(column, &row));
        let columns = quote!(type Columns<T> = #handles<T, #(#within),*>;);
        let columns = match embedded().next() {
            Some(column) => at(columns, column.ty().span()),
            None => columns,
        };
        quote! {
            #[automatically_derived]
            impl #krate::Embed for #name {
                const DEFINITION: &'static [#krate::ColumnTree] = __COLUMNS;
                #columns

                fn encode(
                    self,
                    position: ::core::primitive::usize,
                    put: &mut dyn ::core::ops::FnMut(::core::primitive::usize, #krate::Value),
                ) -> ::core::result::Result<(), #krate::EncodeError> {
                    #(#encoded)*
                    ::core::result::Result::Ok(())
                }

                fn decode(
                    source: &mut dyn #krate::ColumnSource,
                    position: ::core::primitive::usize,
                ) -> ::core::result::Result<Self, #krate::DecodeError> {
                    ::core::result::Result::Ok(Self { #(#decoded,)* #(#skipped,)* })
                }

                fn value(
                    &self,
                    position: ::core::primitive::usize,
                    column: ::core::primitive::usize,
                ) -> ::core::result::Result<#krate::Value, #krate::EncodeError> {
                    #(#copied)*
                    ::core::result::Result::Ok(#krate::Value::Null)
                }
            }
        }
    }

    /// Returns a copy of the column's value, if `column` is its position.
    pub fn copy_if(&self, position: &Position, column: &Column<'_>) -> TokenStream {
        let ident = column.ident;
        if column.is_embedded() {
            let (count, value) = (self.of_embed(column, "COLUMNS"), self.of_embed(column, "value"));
            quote! {
                if column.wrapping_sub(#position) < #count {
                    return #value(&self.#ident, #position, column);
                }
            }
        } else {
            let copy = self.copy(position, column, &quote!(self.#ident));
            quote! {
                if column == #position {
                    return ::core::result::Result::Ok(#copy);
                }
            }
        }
    }

    /// The columns and the indexes of a table with embedded structs, as statements.
    pub fn composed_definition(&self, indexes: &TokenStream) -> TokenStream {
        let krate = self.krate;
        let name = &self.table.name;
        let embedded = self.embedded_indexes();
        quote! {
            let columns = #krate::ColumnTree::columns(__COLUMNS);
            let indexes = #krate::__private::indexes(#name, &columns, #indexes, #embedded);
        }
    }

    /// What stands for the SQL that cannot be written yet, and what holds it when it can.
    pub fn sql_or_default(&self, sql: impl FnOnce() -> TokenStream) -> TokenStream {
        if self.table.has_embedded() {
            let krate = self.krate;
            let none = option(None::<TokenStream>);
            quote!(#krate::DerivedSql { postgres: #none, sqlite: #none })
        } else {
            sql()
        }
    }
}
