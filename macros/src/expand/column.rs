//! The typed column constants, `Product::PRICE`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};

use super::Expand;
use crate::model::Column;

impl Expand<'_> {
    /// ```text
    /// impl Product {
    ///     /// The `price` column.
    ///     pub const PRICE: Column<Self, f64> = Column::new(3);
    ///     /// The `attributes` column.
    ///     pub const ATTRIBUTES: Column<Self, Json<Attributes>> = Column::new(4);
    /// }
    /// ```
    ///
    /// With `columns = "ProductColumns"` they go into a unit struct of that name instead.
    pub fn column_constants(&self) -> TokenStream {
        let krate = self.krate;
        let table = self.table;
        if table.columns.is_empty() {
            return TokenStream::new();
        }
        let row = table.ident();
        let holder = table.columns_type.as_ref();
        let holder_struct = holder.map(|holder| {
            let visibility = &table.input.vis;
            let docs = format!(" The columns of `{}`.", table.rust_name());
            quote! {
                #[doc = #docs]
                #[allow(dead_code)]
                #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
                #visibility struct #holder;
            }
        });
        let holder = holder.unwrap_or(row);
        // In a stand-in two constants may have one name, which is reported already.
        let is_first = |column: &Column<'_>| {
            let named_so = |other: &&Column<'_>| other.constant == column.constant;
            table.columns.iter().find(named_so).is_some_and(|first| first.ident == column.ident)
        };
        let columns = self.columns().enumerate().filter(|(_, (_, column))| is_first(column));
        let constants = columns.map(|(number, (position, column))| {
            let visibility = &column.field.vis;
            let constant = &column.constant;
            if column.is_embedded() {
                let (row, start) = (quote!(#row), quote!(#krate::__private::Start));
                let ty = self.handles_type(column, &row);
                let handles = self.handles_in(number, column, &row, &start);
                let docs = format!(" The columns of `{}`.", column.ident);
                return quote! {
                    #[doc = #docs]
                    #visibility const #constant: #ty = #handles;
                };
            }
            let ty = self.constant_type(column);
            let docs = format!(" The `{}` column.", column.name);
            let new = if self.is_unique(column) { quote!(unique) } else { quote!(new) };
            quote! {
                #[doc = #docs]
                #visibility const #constant: #krate::Column<#row, #ty> =
                    #krate::Column::#new(#position);
            }
        });
        quote! {
            #holder_struct

            #[allow(dead_code)]
            #[automatically_derived]
            impl #holder {
                #(#constants)*
            }
        }
    }

    /// Whether no two rows share a value of the column, so that other tables can refer to it.
    fn is_unique(&self, column: &Column<'_>) -> bool {
        (self.table.indexes.iter().filter(|index| index.unique).map(|index| &index.columns))
            .chain([&self.table.key])
            .any(|columns| {
                matches!(**columns, [only] if self.table.columns[only].ident == column.ident)
            })
    }

    pub fn constant_type(&self, column: &Column<'_>) -> TokenStream {
        let krate = self.krate;
        if !column.is_json() {
            return column.ty().to_token_stream();
        }
        let document = column.document();
        if column.optional.is_some() {
            quote!(::core::option::Option<#krate::Json<#document>>)
        } else {
            quote!(#krate::Json<#document>)
        }
    }
}
