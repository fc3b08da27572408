//! What the generated structs have in common: their declaration, `Clone` and `Debug`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Type};

use super::Expand;
use crate::model::{Column, Known};

/// A struct that is generated beside the user's.
pub struct Generated<'a> {
    pub name: Ident,
    pub docs: String,
    /// `#[derive(..)]`, where a derive is the shorter way.
    pub derives: TokenStream,
    pub fields: Vec<GeneratedField<'a>>,
}

/// A field of a generated struct, made from a column.
pub struct GeneratedField<'a> {
    pub column: &'a Column<'a>,
    pub ty: TokenStream,
}

impl Expand<'_> {
    /// ```text
    /// /// What must be given to insert a `Product`.
    /// pub struct ProductInsert {
    ///     /// The name that customers see.
    ///     pub name: String,
    /// }
    /// ```
    pub fn declare(&self, generated: &Generated<'_>) -> TokenStream {
        let visibility = &self.table.input.vis;
        let Generated { name, docs, derives, fields } = generated;
        let fields = fields.iter().map(|GeneratedField { column, ty }| {
            let (visibility, ident, docs) = (&column.field.vis, column.ident, column.docs());
            quote!(#docs #visibility #ident: #ty)
        });
        quote! {
            #[doc = #docs]
            #derives
            #[allow(dead_code, non_snake_case)]
            #visibility struct #name { #(#fields),* }
        }
    }
}

/// `Clone` and `Debug`, as a derive would write them, but only asking a `json` field's type
/// for them where they are used: such a type need not be `Clone` or `Debug` to be stored.
///
/// ```text
/// impl Clone for ProductInsert
/// where
///     for<'any> Attributes: Clone,
/// {
///     fn clone(&self) -> Self {
///         Self { name: Clone::clone(&self.name), attributes: Clone::clone(&self.attributes) }
///     }
/// }
/// ```
///
/// Without its `for<'any>`, a bound on a concrete type would have to hold.
pub fn clone_and_debug(generated: &Generated<'_>) -> TokenStream {
    let Generated { name, fields, .. } = generated;
    let uncertain: Vec<&Type> = (fields.iter())
        .map(|field| field.column)
        .filter(|column| column.is_json() || column.known == Known::Unknown)
        .map(Column::ty)
        .collect();
    let idents: Vec<&Ident> = fields.iter().map(|field| field.column.ident).collect();
    let text = name.to_string();
    let texts = idents.iter().map(|ident| syn::ext::IdentExt::unraw(*ident).to_string());
    let where_all_are = |capability: TokenStream| {
        (!uncertain.is_empty()).then(|| quote!(where #(for<'any> #uncertain: #capability,)*))
    };
    let where_clone = where_all_are(quote!(::core::clone::Clone));
    let where_debug = where_all_are(quote!(::core::fmt::Debug));
    quote! {
        #[automatically_derived]
        impl ::core::clone::Clone for #name #where_clone {
            fn clone(&self) -> Self {
                Self { #(#idents: ::core::clone::Clone::clone(&self.#idents)),* }
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Debug for #name #where_debug {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#text)#(.field(#texts, &self.#idents))*.finish()
            }
        }
    }
}
