//! Checks that rustc makes, since only it can resolve a type: one for each attribute that asks
//! something of its field's type.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Type, spanned::Spanned as _};

use super::Expand;
use crate::{
    model::{Column, Content, Known, array_length, is_array},
    parse::ManagedKind,
};

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
            if let Some(kind) = column.managed() {
                let ty: &Type = column.document();
                let check = if kind == ManagedKind::Version {
                    quote!(VersionColumn)
                } else {
                    quote!(TimestampColumn)
                };
                checks.extend(quote_spanned! {ty.span()=>
                    const _: () = <#ty as #krate::codec::#check>::CHECK;
                });
            }
            for check in self.traits_asked_for(column) {
                let ty: &Type = column.ty();
                checks.extend(quote_spanned! {ty.span()=>
                    const _: () = <#ty as #krate::codec::#check>::CHECK;
                });
            }
            checks.extend(self.vector_checks(column));
        }
        checks
    }

    /// ```text
    /// const _: () = <<Embedding as VectorColumn>::Length as LengthIs<384>>::CHECK;
    /// const _: () = <<Embedding as VectorColumn>::Elements as ElementsAre<F16>>::CHECK;
    /// ```
    ///
    /// Only where the tokens of the type leave it open.
    fn vector_checks(&self, column: &Column<'_>) -> TokenStream {
        let krate = self.krate;
        let Content::Vector(vector) = &column.content else { return TokenStream::new() };
        let ty = column.ty();
        let value = self.as_codec(column);
        let is_open = column.known == Known::Unknown;
        let has_open_length = is_open || is_array(ty) && array_length(ty).is_none();
        let length = vector.dimension.filter(|_| has_open_length).map(|dimension| {
            // A const argument has the type that the parameter has.
            let dimension = Literal::u32_unsuffixed(dimension);
            quote_spanned! {ty.span()=>
                const _: () = <#value::Length as #krate::codec::LengthIs<#dimension>>::CHECK;
            }
        });
        let elements = vector.element.filter(|_| is_open).map(|element| {
            let element = format_ident!("{element}");
            quote_spanned! {ty.span()=>
                const _: () =
                    <#value::Elements as #krate::codec::ElementsAre<#krate::codec::#element>>::CHECK;
            }
        });
        quote!(#length #elements)
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
            (is_indexed, quote!(IndexedColumn)),
        ]
        .into_iter()
        .filter_map(|(asked_for, check)| asked_for.then_some(check))
        .collect()
    }
}
