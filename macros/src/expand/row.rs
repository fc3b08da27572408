//! `impl Row`: the codec of the struct.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::Expand;

impl Expand<'_> {
    /// ```text
    /// impl Row for Product {
    ///     type Key = i64;
    ///
    ///     fn encode(self) -> Result<EncodedRow, EncodeError> {
    ///         Ok(EncodedRow(vec![
    ///             <i64 as ColumnValue>::into_value(self.id),
    ///             <Attributes as JsonField>::encode(&self.attributes, 1)?,
    ///         ]))
    ///     }
    ///
    ///     fn decode(_: &Arc<TableDef>, source: &mut dyn ColumnSource) -> Result<Self, DecodeError> {
    ///         Ok(Self {
    ///             id: <i64 as ColumnValue>::decode(source, 0)?,
    ///             attributes: <Attributes as JsonField>::decode(source, 1)?,
    ///             cache: <Cache as Default>::default(), // skipped
    ///         })
    ///     }
    ///
    ///     fn value(&self, column: usize) -> Result<Value, EncodeError> {
    ///         Ok(match column {
    ///             0 => <i64 as ColumnValue>::to_value(&self.id),
    ///             1 => <Attributes as JsonField>::encode(&self.attributes, 1)?,
    ///             _ => Value::Null,
    ///         })
    ///     }
    /// }
    /// ```
    pub fn row(&self) -> TokenStream {
        let krate = self.krate;
        let name = self.table.ident();
        let key = self.key_type();
        let mut encoded = Vec::new();
        let mut decoded = Vec::new();
        let mut copied = Vec::new();
        let has_embedded = self.table.has_embedded();
        for (position, column) in self.columns() {
            let ident = column.ident;
            let field = quote!(self.#ident);
            if has_embedded {
                copied.push(self.copy_if(&position, column));
            } else {
                let copy = self.copy(&position, column, &field);
                copied.push(quote!(#position => #copy));
            }
            encoded.push(if column.is_embedded() {
                self.encode_embedded(&position, column, &field, &quote!(row.push(value)))
            } else {
                let value = self.encode(&position, column, &field);
                if has_embedded { quote!(row.push(#value);) } else { value }
            });
            let decode = self.decode(&position, column);
            decoded.push(quote!(#ident: #decode));
        }
        let skipped = self.skipped();
        let (encoded, copied) = if has_embedded {
            let columns = self.position(self.table.columns.len());
            let encoded = quote! {
                let mut row = ::std::vec::Vec::with_capacity(#columns);
                #(#encoded)*
                ::core::result::Result::Ok(#krate::EncodedRow(row))
            };
            (encoded, quote!(#(#copied)* ::core::result::Result::Ok(#krate::Value::Null)))
        } else {
            let encoded = quote! {
                ::core::result::Result::Ok(#krate::EncodedRow(::std::vec![#(#encoded),*]))
            };
            let copied = quote! {
                ::core::result::Result::Ok(match column {
                    #(#copied,)*
                    _ => #krate::Value::Null,
                })
            };
            (encoded, copied)
        };
        quote! {
            #[automatically_derived]
            impl #krate::Row for #name {
                type Key = #key;

                fn encode(
                    self,
                ) -> ::core::result::Result<#krate::EncodedRow, #krate::EncodeError> {
                    #encoded
                }

                fn decode(
                    _: &#krate::__private::Arc<#krate::TableDef>,
                    source: &mut dyn #krate::ColumnSource,
                ) -> ::core::result::Result<Self, #krate::DecodeError> {
                    ::core::result::Result::Ok(Self { #(#decoded,)* #(#skipped,)* })
                }

                fn value(
                    &self,
                    column: ::core::primitive::usize,
                ) -> ::core::result::Result<#krate::Value, #krate::EncodeError> {
                    #copied
                }
            }
        }
    }

    /// `cache: <Cache as Default>::default()` for each field that is not a column.
    pub fn skipped(&self) -> impl Iterator<Item = TokenStream> {
        self.table.skipped.iter().map(|field| {
            let (ident, ty) = (&field.ident, &field.ty);
            quote_spanned!(ty.span()=> #ident: <#ty as ::core::default::Default>::default())
        })
    }
}
