//! `ProductOptional`: the columns that may be left out of an insert, each an `Option`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};

use super::{
    Expand,
    generated::{Generated, GeneratedField, clone_and_debug},
};
use crate::model::Column;

impl Expand<'_> {
    /// Whether anything may be left out.
    pub fn has_optional(&self) -> bool {
        self.table.columns.iter().any(Column::may_be_left_out)
    }

    fn optional(&self) -> Generated<'_> {
        let columns = self.table.columns.iter().filter(|column| column.may_be_left_out());
        Generated {
            name: self.table.beside("Optional"),
            docs: format!(
                " What may be left out when inserting a `{}`; `None` leaves it out.",
                self.table.rust_name()
            ),
            derives: quote!(#[derive(::core::default::Default)]),
            fields: columns
                .map(|column| {
                    let ty = column.ty();
                    let ty = if column.optional.is_some() {
                        ty.to_token_stream()
                    } else {
                        quote!(::core::option::Option<#ty>)
                    };
                    GeneratedField { column, ty }
                })
                .collect(),
        }
    }

    /// ```text
    /// #[derive(Default)]
    /// pub struct ProductOptional {
    ///     pub id: Option<i64>,
    ///     pub retired_at: Option<DateTime<Utc>>,
    /// }
    /// ```
    pub fn optional_struct(&self) -> TokenStream {
        if !self.has_optional() {
            return TokenStream::new();
        }
        self.declare(&self.optional())
    }

    /// ```text
    /// impl OptionalColumns<Product> for ProductOptional {
    ///     fn apply(self, row: &mut NewRow) -> Result<(), EncodeError> {
    ///         if let Some(value) = self.id {
    ///             row.set(0, <i64 as ColumnValue>::into_value(value));
    ///         }
    ///         if self.retired_at.is_some() {
    ///             row.set(8, <Option<DateTime<Utc>> as ColumnValue>::into_value(self.retired_at));
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn optional_columns(&self) -> TokenStream {
        if !self.has_optional() {
            return TokenStream::new();
        }
        let krate = self.krate;
        let row = self.table.ident();
        let optional = self.optional();
        let name = &optional.name;
        let set = self.columns().filter(|(_, column)| column.may_be_left_out()).map(
            |(position, column)| {
                let ident = column.ident;
                if column.optional.is_some() {
                    let value = self.encode(&position, column, &quote!(self.#ident));
                    quote! {
                        if ::core::option::Option::is_some(&self.#ident) {
                            row.set(#position, #value);
                        }
                    }
                } else {
                    let value = self.encode(&position, column, &quote!(value));
                    quote! {
                        if let ::core::option::Option::Some(value) = self.#ident {
                            row.set(#position, #value);
                        }
                    }
                }
            },
        );
        let clone_and_debug = clone_and_debug(&optional);
        quote! {
            #[automatically_derived]
            impl #krate::OptionalColumns<#row> for #name {
                fn apply(
                    self,
                    row: &mut #krate::NewRow,
                ) -> ::core::result::Result<(), #krate::EncodeError> {
                    #(#set)*
                    ::core::result::Result::Ok(())
                }
            }

            #clone_and_debug
        }
    }
}
