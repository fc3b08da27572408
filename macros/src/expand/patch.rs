//! `ProductPatch`: a partial update, in which each column is kept or set.

use proc_macro2::TokenStream;
use quote::quote;

use super::{
    Expand,
    generated::{Generated, GeneratedField, clone_and_debug},
};

impl Expand<'_> {
    fn patch(&self) -> Generated<'_> {
        let krate = self.krate;
        let columns = self.table.columns.iter().filter(|column| column.may_be_patched());
        Generated {
            name: self.table.beside("Patch"),
            docs: format!(
                " A partial update of a `{}`: each column is kept or set.",
                self.table.rust_name()
            ),
            derives: quote!(#[derive(::core::default::Default)]),
            fields: columns
                .map(|column| {
                    let ty = column.ty();
                    GeneratedField { column, ty: quote!(#krate::PatchField<#ty>) }
                })
                .collect(),
        }
    }

    /// ```text
    /// #[derive(Default)]
    /// pub struct ProductPatch {
    ///     pub price: PatchField<f64>,
    ///     pub retired_at: PatchField<Option<DateTime<Utc>>>,
    /// }
    /// ```
    pub fn patch_struct(&self) -> TokenStream {
        self.declare(&self.patch())
    }

    /// ```text
    /// impl TablePatch<Product> for ProductPatch {
    ///     fn into_assignments(self) -> Result<Vec<Assignment>, EncodeError> {
    ///         let mut assignments = Vec::new();
    ///         self.price.assign(3, &mut assignments, <f64 as ColumnValue>::into_value);
    ///         if let PatchField::Set(value) = self.attributes {
    ///             let value = <Attributes as JsonField>::encode(&value, 4)?;
    ///             assignments.push(Assignment::set(4, value));
    ///         }
    ///         Ok(assignments)
    ///     }
    /// }
    /// ```
    pub fn table_patch(&self) -> TokenStream {
        let krate = self.krate;
        let row = self.table.ident();
        let patch = self.patch();
        let name = &patch.name;
        let assign = self.columns().filter(|(_, column)| column.may_be_patched()).map(
            |(position, column)| {
                let ident = column.ident;
                if column.is_embedded() {
                    let put = quote!(assignments.push(#krate::Assignment::set(column, value)));
                    let encode = self.encode_embedded(&position, column, &quote!(value), &put);
                    return quote! {
                        if let #krate::PatchField::Set(value) = self.#ident {
                            #encode
                        }
                    };
                }
                if !column.is_json() {
                    let value = self.as_codec(column);
                    return quote! {
                        self.#ident.assign(#position, &mut assignments, #value::into_value);
                    };
                }
                let value = self.encode(&position, column, &quote!(value));
                quote! {
                    if let #krate::PatchField::Set(value) = self.#ident {
                        assignments.push(#krate::Assignment::set(#position, #value));
                    }
                }
            },
        );
        let clone_and_debug = clone_and_debug(&patch);
        quote! {
            #[automatically_derived]
            impl #krate::TablePatch<#row> for #name {
                fn into_assignments(
                    self,
                ) -> ::core::result::Result<::std::vec::Vec<#krate::Assignment>, #krate::EncodeError>
                {
                    let mut assignments = ::std::vec::Vec::new();
                    #(#assign)*
                    ::core::result::Result::Ok(assignments)
                }
            }

            #clone_and_debug
        }
    }
}
