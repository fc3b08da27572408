//! References to other tables: their constants, `Order::CUSTOMER_ID_REFERENCE`, what the
//! definition says of them, and what rustc is asked, since only it knows the other struct.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::Expand;
use crate::model::Reference;

impl Expand<'_> {
    /// What has the column constants.
    pub fn columns_type(&self) -> TokenStream {
        let holder = self.table.columns_type.as_ref();
        holder.map_or_else(|| quote!(Self), ToTokens::to_token_stream)
    }

    /// The field is looked for among the other table's constants, wherever they are. It is named
    /// in this one place, so that a mistake in it is reported once.
    ///
    /// ```text
    /// impl Order {
    ///     /// The reference of `customer_id` to `Customer`.
    ///     pub const CUSTOMER_ID_REFERENCE: Reference<Order, Customer> =
    ///         Reference::new(Column::<Order, i64>::new(1), <<Customer as Table>::Columns>::ID);
    /// }
    /// ```
    pub fn reference_constants(&self) -> TokenStream {
        if self.table.references.is_empty() {
            return TokenStream::new();
        }
        let krate = self.krate;
        let row = self.table.ident();
        let holder = self.table.columns_type.as_ref().unwrap_or(row);
        let constants = self.table.references.iter().map(|reference| {
            let Reference { table, referenced, constant, .. } = reference;
            let column = &self.table.columns[reference.column];
            let (visibility, ty) = (&column.field.vis, column.ty());
            let position = self.position(reference.column);
            let name = table.to_token_stream().to_string().replace(' ', "");
            let docs = format!(" The reference of `{}` to `{name}`.", column.name);
            let place = table.span().resolved_at(Span::mixed_site());
            let target = quote_spanned!(place=> <#table as #krate::Table>::Columns);
            // All of it where the type is, so that this is where a mistake in the type is told.
            let here = located_at(krate, ty.span());
            let value = quote_spanned! {ty.span()=>
                #here::Reference::new(
                    #here::Column::<#row, #ty>::new(#position),
                    <#target>::#referenced,
                )
            };
            quote! {
                #[doc = #docs]
                #visibility const #constant: #krate::Reference<#row, #table> = #value;
            }
        });
        quote! {
            #[allow(dead_code, private_interfaces)]
            #[automatically_derived]
            impl #holder {
                #(#constants)*
            }
        }
    }

    /// ```text
    /// Cow::Borrowed(const { &[Order::CUSTOMER_ID_REFERENCE.definition(OnDelete::Cascade)] })
    /// ```
    pub fn reference_definitions(&self) -> TokenStream {
        let krate = self.krate;
        let references = &self.table.references;
        if references.is_empty() {
            return quote!(#krate::__private::Cow::Borrowed(&[]));
        }
        let holder = self.table.columns_type.as_ref().unwrap_or(self.table.ident());
        let references = references.iter().map(|Reference { constant, on_delete, .. }| {
            let on_delete = format_ident!("{on_delete}");
            quote!(#holder::#constant.definition(#krate::OnDelete::#on_delete))
        });
        quote!(#krate::__private::Cow::Borrowed(const { &[#(#references),*] }))
    }

    /// ```text
    /// const _: () = assert!(Order::CUSTOMER_ID_REFERENCE.is_to_unique(), "..");
    /// ```
    pub fn reference_checks(&self) -> TokenStream {
        let holder = self.table.columns_type.as_ref().unwrap_or(self.table.ident());
        let checks = self.table.references.iter().map(|reference| {
            let Reference { table, field, constant, .. } = reference;
            let table = table.to_token_stream().to_string().replace(' ', "");
            let message = format!(
                "rows of `{table}` can share a value of `{field}`, so none of them can be \
                 referred to by it; refer to the key, or write `#[table(unique)]` on `{field}`"
            );
            quote_spanned! {field.span()=>
                const _: () = ::core::assert!(#holder::#constant.is_to_unique(), #message);
            }
        });
        checks.collect()
    }
}

/// The same path at another place.
fn located_at(path: &TokenStream, place: Span) -> TokenStream {
    let tokens = path.clone().into_iter().map(|mut token| {
        token.set_span(token.span().located_at(place));
        token
    });
    tokens.collect()
}
