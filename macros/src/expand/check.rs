//! Checks that rustc makes, since only it can resolve a type: one for each attribute that asks
//! something of its field's type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Type, spanned::Spanned as _};

use super::Expand;
use crate::model::{Column, Content};

impl Expand<'_> {
    /// ```text
    /// const _: () = <ProductId as AutoColumn>::CHECK;
    /// ```
    ///
    /// A constant of the trait, and not a bound of some function, since the message would tell of
    /// that function too.
    pub fn checks(&self) -> TokenStream {
        let krate = self.krate;
        let mut checks = TokenStream::new();
        for column in &self.table.columns {
            for check in self.traits_asked_for(column) {
                let ty: &Type = column.ty();
                checks.extend(quote_spanned! {ty.span()=>
                    const _: () = <#ty as #krate::codec::#check>::CHECK;
                });
            }
        }
        checks
    }

    fn traits_asked_for(&self, column: &Column<'_>) -> Vec<TokenStream> {
        let written = &column.written;
        let is_indexed = (self.table.indexes.iter())
            .flat_map(|index| &index.columns)
            .any(|&position| std::ptr::eq(&raw const self.table.columns[position], column));
        [
            (column.is_key() && self.table.key.len() > 1, quote!(KeyPart)),
            (written.auto.is_some(), quote!(AutoColumn)),
            (written.text.is_some(), quote!(FullTextColumn)),
            (written.metadata.is_some() && !column.is_json(), quote!(MetadataColumn)),
            (matches!(column.content, Content::Vector(_)), quote!(VectorColumn)),
            (is_indexed, quote!(IndexedColumn)),
        ]
        .into_iter()
        .filter_map(|(asked_for, check)| asked_for.then_some(check))
        .collect()
    }
}
