//! `derive(Projection)`: a struct with some columns of a table.
//!
//! It is small enough for its three phases to stand in one file. That each field has its column's
//! type is for rustc to check, at the field's type, against the table's column constants.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{
    Data, DeriveInput, Field, Fields, Ident, Index, LitStr, Path, Type, ext::IdentExt as _,
    spanned::Spanned as _,
};

use crate::{
    errors::{Errors, did_you_mean},
    model::screaming_snake_case,
    parse::{items, set},
};

/// The code of a projection, or its mistakes and a stand-in.
pub fn expand(input: &DeriveInput) -> TokenStream {
    let errors = Errors::new();
    let projection = Projection::new(input, &errors);
    match errors.finish() {
        None => projection.implementation(),
        Some(errors) => {
            let stand_in = projection.stand_in();
            quote!(#errors #stand_in)
        }
    }
}

/// What is written above the struct.
#[derive(Default)]
struct Attributes {
    /// The table's struct.
    of: Option<Path>,
    /// Where the column constants are, if not on it.
    columns: Option<Path>,
    krate: Option<Path>,
}

struct Projection<'a> {
    input: &'a DeriveInput,
    attributes: Attributes,
    fields: Vec<Column<'a>>,
}

/// A field, and the constant of its column.
struct Column<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    constant: Ident,
}

impl<'a> Projection<'a> {
    fn new(input: &'a DeriveInput, errors: &Errors) -> Self {
        let mut attributes = Attributes::default();
        for item in items(&input.attrs, "table", errors) {
            let name = &item.name;
            match name.to_string().as_str() {
                "of" => {
                    if let Some(path) = item.assigned("of = Product", errors) {
                        set(&mut attributes.of, name, path, errors);
                    }
                }
                "columns" => {
                    let example = "columns = \"ProductColumns\"";
                    if let Some(path) = item.assigned::<LitStr>(example, errors) {
                        match path.parse() {
                            Ok(path) => set(&mut attributes.columns, name, path, errors),
                            Err(_) => errors.at(path, format!("not a type; write `{example}`")),
                        }
                    }
                }
                "crate" => {
                    if let Some(path) = item.assigned("crate = my_crate::storehouse", errors) {
                        set(&mut attributes.krate, name, path, errors);
                    }
                }
                unknown => {
                    let rest = did_you_mean(unknown, ["of", "columns", "crate"], || {
                        "; a projection can have `of`, `columns` and `crate`; write \
                         `#[table(of = Product)]`"
                            .to_owned()
                    });
                    errors.at(name, format!("a projection has no attribute `{unknown}`{rest}"));
                }
            }
        }
        let tried = input.attrs.iter().any(|attribute| {
            attribute.path().is_ident("table")
                && attribute.meta.to_token_stream().to_string().contains("of")
        });
        if attributes.of.is_none() && !tried {
            errors.at(
                &input.ident,
                "a projection is of a table; write `#[table(of = Product)]` above it, with the \
                 table's struct",
            );
        }
        if !input.generics.params.is_empty() {
            errors.at(
                &input.generics,
                "a projection owns its values, and its fields have fixed types; remove the \
                 parameters and write the types",
            );
        }
        Self { fields: fields(input, errors), input, attributes }
    }

    /// ```text
    /// impl Projection<Product> for Card {
    ///     type Kinds = (String, (f64, ()));
    ///
    ///     fn columns() -> Vec<usize> {
    ///         vec![Product::SKU.position(), Product::PRICE.position()]
    ///     }
    ///
    ///     fn read(source: &mut dyn ColumnSource) -> Result<Self, DecodeError> {
    ///         Ok(Self {
    ///             sku: <String as FieldOf<_>>::read::<Product>(Product::SKU, source, 0)?,
    ///             price: <f64 as FieldOf<_>>::read::<Product>(Product::PRICE, source, 1)?,
    ///         })
    ///     }
    /// }
    ///
    /// impl RawRow for Card { .. }
    /// ```
    fn implementation(&self) -> TokenStream {
        let (Some(of), name) = (&self.attributes.of, &self.input.ident) else {
            return TokenStream::new();
        };
        let krate = quote!(_storehouse);
        let holder = self.attributes.columns.as_ref().unwrap_or(of);
        let constants: Vec<_> =
            self.fields.iter().map(|Column { constant, .. }| quote!(#holder::#constant)).collect();
        let kinds = self.fields.iter().rev().fold(quote!(()), |rest, field| {
            let ty = field.ty;
            quote!((#ty, #rest))
        });
        let reads =
            self.fields.iter().zip(&constants).enumerate().map(|(place, (field, column))| {
                let Column { ident, ty, .. } = field;
                let place = Index::from(place);
                let read = quote_spanned!(ty.span()=> <#ty as #krate::FieldOf<_>>::read::<#of>);
                quote!(#ident: #read(#column, source, #place)?)
            });
        self.inside(&quote! {
            #[automatically_derived]
            impl #krate::Projection<#of> for #name {
                type Kinds = #kinds;

                fn columns() -> ::std::vec::Vec<::core::primitive::usize> {
                    ::std::vec![#(#constants.position()),*]
                }

                fn read(
                    source: &mut dyn #krate::ColumnSource,
                ) -> ::core::result::Result<Self, #krate::DecodeError> {
                    ::core::result::Result::Ok(Self { #(#reads),* })
                }
            }

            #[automatically_derived]
            impl #krate::RawRow for #name {
                fn plan(
                    columns: &[&::core::primitive::str],
                ) -> #krate::Result<::std::vec::Vec<::core::primitive::usize>> {
                    #krate::__private::plan_by_name(
                        <#of as #krate::Table>::definition(),
                        <Self as #krate::Projection<#of>>::columns(),
                        columns,
                    )
                }

                fn read(
                    source: &mut dyn #krate::ColumnSource,
                    plan: &[::core::primitive::usize],
                ) -> ::core::result::Result<Self, #krate::DecodeError> {
                    #krate::__private::read_by_name::<#of, Self>(source, plan)
                }
            }
        })
    }

    /// Stands for the implementation beside its mistakes, so that queries are not blamed too.
    fn stand_in(&self) -> TokenStream {
        let (Some(of), true) = (&self.attributes.of, self.input.generics.params.is_empty()) else {
            return TokenStream::new();
        };
        let name = &self.input.ident;
        self.inside(&quote! {
            impl _storehouse::Projection<#of> for #name {
                type Kinds = ();

                fn columns() -> ::std::vec::Vec<::core::primitive::usize> {
                    ::core::unreachable!()
                }

                fn read(
                    _: &mut dyn _storehouse::ColumnSource,
                ) -> ::core::result::Result<Self, _storehouse::DecodeError> {
                    ::core::unreachable!()
                }
            }
        })
    }

    fn inside(&self, implementations: &TokenStream) -> TokenStream {
        let krate = self.attributes.krate.as_ref();
        let krate = krate.map_or_else(|| quote!(::storehouse), Path::to_token_stream);
        quote! {
            #[allow(deprecated, clippy::all, clippy::pedantic)]
            const _: () = {
                use #krate as _storehouse;

                #implementations
            };
        }
    }
}

fn fields<'a>(input: &'a DeriveInput, errors: &Errors) -> Vec<Column<'a>> {
    if let Data::Struct(data) = &input.data
        && let Fields::Named(fields) = &data.fields
        && !fields.named.is_empty()
    {
        return fields.named.iter().filter_map(|field| column(field, errors)).collect();
    }
    errors.at(
        &input.ident,
        "a projection is a struct whose fields are called like those of the table; write `struct \
         Card { sku: String }`, or select a tuple of columns",
    );
    Vec::new()
}

fn column<'a>(field: &'a Field, errors: &Errors) -> Option<Column<'a>> {
    // A named field has a name.
    let ident = field.ident.as_ref()?;
    let mut column = None;
    for item in items(&field.attrs, "table", errors) {
        match item.name.to_string().as_str() {
            "column" => {
                if let Some(name) = item.assigned::<Ident>("column = price", errors) {
                    set(&mut column, &item.name, name, errors);
                }
            }
            unknown => errors.at(
                &item.name,
                format!(
                    "a projection's field has no attribute `{unknown}`; did you mean `column = \
                     price`, with the name of the table's field?"
                ),
            ),
        }
    }
    let column = column.as_ref().unwrap_or(ident);
    let constant = Ident::new(&screaming_snake_case(&column.unraw().to_string()), column.span());
    Some(Column { ident, ty: &field.ty, constant })
}
