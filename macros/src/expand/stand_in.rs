//! What is emitted beside error messages: the same types and traits, with bodies that nothing
//! ever runs. So the code that uses the table still compiles, and the reader sees the mistake
//! and not what follows from it.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::Ident;

use super::{Expand, inside};
use crate::model::{Known, Table};

/// The error messages and the stand-ins.
pub fn stand_ins(mut table: Table<'_>, errors: &TokenStream) -> TokenStream {
    table.drop_what_cannot_be_embedded();
    if !table.input.generics.params.is_empty() {
        // Types beside the struct would not know its parameters.
        table.columns.clear();
        table.key.clear();
    }
    let krate = &table.krate;
    let expand = Expand { table: &table, krate };
    let types = [
        expand.insert_struct(),
        expand.optional_struct(),
        expand.patch_struct(),
        expand.key_struct(),
        expand.column_constants(),
        expand.reference_constants(),
    ];
    let inside = inside();
    let expand = Expand { table: &table, krate: &inside };
    let row = expand.row_stand_in();
    let others = expand.other_stand_ins();
    quote! {
        #errors

        #(#types)*

        const _: () = {
            use #krate as #inside;

            #row
            #(#others)*
        };
    }
}

impl Expand<'_> {
    /// ```text
    /// impl Row for Product
    /// where
    ///     Product: MaybeSend + MaybeSync + 'static,
    /// {
    ///     type Key = i64;
    ///     fn encode(self) -> Result<EncodedRow, EncodeError> {
    ///         unreachable!()
    ///     }
    ///     ..
    /// }
    /// ```
    ///
    /// The bound lets a struct with parameters be a row too, whatever they stand for.
    fn row_stand_in(&self) -> TokenStream {
        let krate = self.krate;
        let key = self.stand_in_key();
        self.implement(
            &quote!(#krate::Row),
            self.table.ident(),
            &quote! {
                type Key = #key;
                fn encode(
                    self,
                ) -> ::core::result::Result<#krate::EncodedRow, #krate::EncodeError> {
                    ::core::unreachable!()
                }
                fn decode(
                    _: &#krate::__private::Arc<#krate::TableDef>,
                    _: &mut dyn #krate::ColumnSource,
                ) -> ::core::result::Result<Self, #krate::DecodeError> {
                    ::core::unreachable!()
                }
                fn value(
                    &self,
                    _: ::core::primitive::usize,
                ) -> ::core::result::Result<#krate::Value, #krate::EncodeError> {
                    ::core::unreachable!()
                }
            },
        )
    }

    fn other_stand_ins(&self) -> Vec<TokenStream> {
        let krate = self.krate;
        let columns_type = self.columns_type();
        let row = self.table.ident();
        let (_, arguments, _) = self.table.input.generics.split_for_impl();
        let full = quote!(#row #arguments);
        let [insert, optional, patch, key] =
            ["Insert", "Optional", "Patch", "Key"].map(|suffix| self.table.beside(suffix));
        let into_new_row = quote! {
            fn into_new_row(self) -> ::core::result::Result<#krate::NewRow, #krate::EncodeError> {
                ::core::unreachable!()
            }
        };
        let mut all = vec![
            self.implement(
                &quote!(#krate::Table),
                row,
                &quote! {
                    type Patch = #patch;
                    type Columns = #columns_type;
                    fn definition() -> &'static #krate::__private::Arc<#krate::TableDef> {
                        ::core::unreachable!()
                    }
                },
            ),
            self.implement(&quote!(#krate::Insertable<#full>), &insert, &into_new_row),
            self.implement(
                &quote!(#krate::TablePatch<#full>),
                &patch,
                &quote! {
                    fn into_assignments(
                        self,
                    ) -> ::core::result::Result<
                        ::std::vec::Vec<#krate::Assignment>,
                        #krate::EncodeError,
                    > {
                        ::core::unreachable!()
                    }
                },
            ),
        ];
        let (parameters, _, _) = self.table.input.generics.split_for_impl();
        all.push(quote! {
            impl #parameters #krate::KeyOrRow<#full> for &#full {
                fn into_key(
                    self,
                ) -> ::core::result::Result<#krate::EncodedKey, #krate::EncodeError> {
                    ::core::unreachable!()
                }
            }
        });
        if self.has_optional() {
            all.push(self.implement(
                &quote!(#krate::OptionalColumns<#full>),
                &optional,
                &quote! {
                    fn apply(
                        self,
                        _: &mut #krate::NewRow,
                    ) -> ::core::result::Result<(), #krate::EncodeError> {
                        ::core::unreachable!()
                    }
                },
            ));
        }
        if self.table.key.len() > 1 {
            all.push(quote! {
                impl #krate::TableKey for #key {
                    fn encode(&self) -> #krate::EncodedKey {
                        ::core::unreachable!()
                    }
                    fn decode(
                        _: #krate::EncodedKey,
                    ) -> ::core::result::Result<Self, #krate::DecodeError> {
                        ::core::unreachable!()
                    }
                }
            });
        }
        all
    }

    /// `impl Trait for Type`, with the struct's parameters if it has any.
    fn implement(&self, what: &TokenStream, name: &Ident, body: &TokenStream) -> TokenStream {
        let krate = self.krate;
        let row = self.table.ident();
        let (parameters, arguments, _) = self.table.input.generics.split_for_impl();
        let of_row = (name == row).then_some(&arguments);
        quote! {
            impl #parameters #what for #name #of_row
            where
                #row #arguments: #krate::MaybeSend + #krate::MaybeSync + 'static,
            {
                #body
            }
        }
    }

    /// The key's type where it is certain to be one, else a type that is.
    fn stand_in_key(&self) -> TokenStream {
        let column = match &*self.table.key {
            [] => return quote!(i64),
            [key] => &self.table.columns[*key],
            _ => return self.key_type(),
        };
        let is_scalar = matches!(
            column.known,
            Known::Integer
                | Known::Bool
                | Known::Text
                | Known::Uuid
                | Known::Bytes
                | Known::DateTime
        );
        if is_scalar && column.optional.is_none() && column.content_attribute().is_none() {
            column.ty().to_token_stream()
        } else {
            quote!(i64)
        }
    }
}
