//! `ProductInsert`: exactly the columns that must be given, so that rustc reports a missing one.

use super::{
    Expand, Position,
    generated::{Generated, GeneratedField, clone_and_debug},
};
use crate::model::Column;
use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};

impl Expand<'_> {
    fn insert(&self) -> Generated<'_> {
        let required = |(_, column): &(Position, &Column<'_>)| column.must_be_given();
        Generated {
            name: self.table.beside("Insert"),
            docs: format!(" What must be given to insert a `{}`.", self.table.rust_name()),
            derives: TokenStream::new(),
            fields: (self.columns().filter(required))
                .map(|(_, column)| GeneratedField { column, ty: column.ty().to_token_stream() })
                .collect(),
        }
    }

    /// ```text
    /// pub struct ProductInsert {
    ///     pub sku: String,
    ///     pub price: f64,
    /// }
    ///
    /// impl ProductInsert {
    ///     /// Joins this with columns that may be left out.
    ///     pub fn with(self, optional: ProductOptional) -> InsertWith<Self, ProductOptional> {
    ///         InsertWith { insert: self, optional }
    ///     }
    /// }
    /// ```
    pub fn insert_struct(&self) -> TokenStream {
        let krate = self.krate;
        let insert = self.insert();
        let declaration = self.declare(&insert);
        let with = self.has_optional().then(|| {
            let visibility = &self.table.input.vis;
            let (name, optional) = (insert.name, self.table.beside("Optional"));
            quote! {
                #[automatically_derived]
                impl #name {
                    /// Joins this with columns that may be left out.
                    #[allow(dead_code)]
                    #[must_use]
                    #visibility fn with(
                        self,
                        optional: #optional,
                    ) -> #krate::InsertWith<Self, #optional> {
                        #krate::InsertWith { insert: self, optional }
                    }
                }
            }
        });
        quote!(#declaration #with)
    }

    /// ```text
    /// impl Insertable<Product> for ProductInsert {
    ///     fn into_new_row(self) -> Result<NewRow, EncodeError> {
    ///         let mut row = NewRow::new(9);
    ///         row.set(1, <String as ColumnValue>::into_value(self.sku));
    ///         Ok(row)
    ///     }
    /// }
    /// ```
    pub fn insertable(&self) -> TokenStream {
        let krate = self.krate;
        let row = self.table.ident();
        let insert = self.insert();
        let name = &insert.name;
        let columns = self.position(self.table.columns.len());
        let set = self.columns().filter(|(_, column)| column.must_be_given()).map(
            |(position, column)| {
                let ident = column.ident;
                if column.is_embedded() {
                    let put = quote!(row.set(column, value));
                    return self.encode_embedded(&position, column, &quote!(self.#ident), &put);
                }
                let value = self.encode(&position, column, &quote!(self.#ident));
                quote!(row.set(#position, #value);)
            },
        );
        let clone_and_debug = clone_and_debug(&insert);
        quote! {
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #krate::Insertable<#row> for #name {
                fn into_new_row(
                    self,
                ) -> ::core::result::Result<#krate::NewRow, #krate::EncodeError> {
                    let mut row = #krate::NewRow::new(#columns);
                    #(#set)*
                    ::core::result::Result::Ok(row)
                }
            }

            #clone_and_debug
        }
    }
}
