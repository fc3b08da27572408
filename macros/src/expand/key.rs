//! Keys: `OrderLineKey` where the key has several columns, and a row as its own key.

use super::{
    Expand, Position,
    generated::{Generated, GeneratedField},
};
use crate::model::Column;
use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};

impl Expand<'_> {
    /// The type of the key: the field's own, or the key struct.
    pub fn key_type(&self) -> TokenStream {
        match &*self.table.key {
            [key] => self.table.columns[*key].ty().to_token_stream(),
            _ => self.table.beside("Key").to_token_stream(),
        }
    }

    fn key_columns(&self) -> impl Iterator<Item = &Column<'_>> {
        self.table.key.iter().map(|&position| &self.table.columns[position])
    }

    fn has_key_struct(&self) -> bool {
        self.table.key.len() > 1
    }

    /// ```text
    /// #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    /// pub struct OrderLineKey {
    ///     pub order: i64,
    ///     pub line: i32,
    /// }
    /// ```
    pub fn key_struct(&self) -> TokenStream {
        if !self.has_key_struct() {
            return TokenStream::new();
        }
        self.declare(&Generated {
            name: self.table.beside("Key"),
            docs: format!(" The key of a `{}`.", self.table.rust_name()),
            derives: quote! {
                #[derive(
                    ::core::clone::Clone,
                    ::core::fmt::Debug,
                    ::core::cmp::PartialEq,
                    ::core::cmp::Eq,
                    ::core::hash::Hash,
                )]
            },
            fields: (self.key_columns())
                .map(|column| GeneratedField { column, ty: column.ty().to_token_stream() })
                .collect(),
        })
    }

    /// ```text
    /// impl TableKey for OrderLineKey {
    ///     fn encode(&self) -> EncodedKey {
    ///         FromIterator::from_iter([
    ///             <i64 as ColumnValue>::to_value(&self.order),
    ///             <i32 as ColumnValue>::to_value(&self.line),
    ///         ])
    ///     }
    ///
    ///     fn decode(key: EncodedKey) -> Result<Self, DecodeError> {
    ///         let source: &mut dyn ColumnSource = &mut EncodedRow(key.into_values());
    ///         Ok(Self {
    ///             order: <i64 as ColumnValue>::decode(source, 0)?,
    ///             line: <i32 as ColumnValue>::decode(source, 1)?,
    ///         })
    ///     }
    /// }
    /// ```
    pub fn table_key(&self) -> TokenStream {
        if !self.has_key_struct() {
            return TokenStream::new();
        }
        let krate = self.krate;
        let name = self.table.beside("Key");
        let encoded = self.key_columns().map(|column| {
            let ident = column.ident;
            self.copy(&Position::from(0), column, &quote!(self.#ident))
        });
        let decoded = self.key_columns().enumerate().map(|(position, column)| {
            let ident = column.ident;
            let decode = self.decode(&Position::from(position), column);
            quote!(#ident: #decode)
        });
        quote! {
            #[automatically_derived]
            impl #krate::TableKey for #name {
                fn encode(&self) -> #krate::EncodedKey {
                    ::core::iter::FromIterator::from_iter([#(#encoded),*])
                }

                fn decode(
                    key: #krate::EncodedKey,
                ) -> ::core::result::Result<Self, #krate::DecodeError> {
                    let source: &mut dyn #krate::ColumnSource = &mut #krate::EncodedRow(key.into_values());
                    ::core::result::Result::Ok(Self { #(#decoded),* })
                }
            }
        }
    }

    /// ```text
    /// impl KeyOrRow<Product> for &Product {
    ///     fn into_key(self) -> Result<EncodedKey, EncodeError> {
    ///         key_of_row(self, &[0])
    ///     }
    /// }
    /// ```
    pub fn key_of_row(&self) -> TokenStream {
        let krate = self.krate;
        let row = self.table.ident();
        let key = self.position_list(&self.table.key);
        let version = self.version_of_row();
        quote! {
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #krate::KeyOrRow<#row> for &#row {
                #version

                fn into_key(
                    self,
                ) -> ::core::result::Result<#krate::EncodedKey, #krate::EncodeError> {
                    #krate::__private::key_of_row(self, #key)
                }
            }
        }
    }
}
