//! Managed columns: which they are, and what only a table that has them implements.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use storehouse_sql::ManagedShape;

use super::Expand;
use crate::{model::Column, parse::ManagedKind};

impl Expand<'_> {
    fn managed_column(&self, kind: ManagedKind) -> Option<(usize, &Column<'_>)> {
        self.table.positioned().find(|(_, column)| column.managed() == Some(kind))
    }

    /// ```text
    /// ManagedColumns { updated_at: Some(5), version: Some(6), ..ManagedColumns::NONE }
    /// ```
    pub fn managed_columns(&self) -> TokenStream {
        let krate = self.krate;
        let fields: Vec<TokenStream> = (ManagedKind::ALL.into_iter())
            .filter_map(|kind| {
                let position = self.position(self.managed_column(kind)?.0);
                let name = format_ident!("{}", kind.name());
                Some(quote!(#name: ::core::option::Option::Some(#position)))
            })
            .collect();
        if fields.is_empty() {
            quote!(#krate::ManagedColumns::NONE)
        } else {
            quote!(#krate::ManagedColumns { #(#fields,)* ..#krate::ManagedColumns::NONE })
        }
    }

    /// What statements have to know of them.
    pub fn managed_shape(&self) -> ManagedShape {
        let position = |kind| self.managed_column(kind).map(|(position, _)| position);
        ManagedShape {
            created_at: position(ManagedKind::CreatedAt),
            version: position(ManagedKind::Version),
        }
    }

    /// The version that a row was read with, for `impl KeyOrRow for &Product`.
    ///
    /// ```text
    /// fn version(&self) -> Option<Value> {
    ///     Some(<i64 as ColumnValue>::to_value(&self.version))
    /// }
    /// ```
    pub fn version_of_row(&self) -> Option<TokenStream> {
        let krate = self.krate;
        let (position, column) = self.managed_column(ManagedKind::Version)?;
        let ident = column.ident;
        let value = self.copy(&self.position(position), column, &quote!(self.#ident));
        Some(quote! {
            fn version(&self) -> ::core::option::Option<#krate::Value> {
                ::core::option::Option::Some(#value)
            }
        })
    }

    /// ```text
    /// impl SoftDelete for Product {}
    /// ```
    pub fn soft_delete(&self) -> Option<TokenStream> {
        let krate = self.krate;
        let row = self.table.ident();
        self.managed_column(ManagedKind::SoftDelete)?;
        Some(quote! {
            #[automatically_derived]
            impl #krate::SoftDelete for #row {}
        })
    }
}
