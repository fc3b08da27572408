//! What `derive(TableEnum)` and `derive(TableNewtype)` write: `ColumnValue`, and the traits that
//! say what a column of the type can do.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{DeriveInput, Index, spanned::Spanned as _};

use super::inside;
use crate::model::{TableEnum, TableNewtype};

/// The code of an enum without mistakes.
///
/// ```text
/// const __VARIANTS: &Variants = &Variants::text("Status", &["draft", "published"]);
/// const __TYPE: ColumnType = __VARIANTS.column_type();
///
/// impl ColumnValue for Status {
///     const TYPE: ColumnType = __TYPE;
///     const SCHEMA: Option<ValueSchema> = Some(ValueSchema::Enum(__VARIANTS));
///     type Scalar = Self;
///
///     fn into_value(self) -> Value {
///         Self::to_value(&self)
///     }
///
///     fn to_value(&self) -> Value {
///         __VARIANTS.value(match self {
///             Self::Draft => 0,
///             Self::Published => 1,
///         })
///     }
///
///     fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
///         Ok(match __VARIANTS.decode(source, column)? {
///             0 => Self::Draft,
///             _ => Self::Published,
///         })
///     }
/// }
/// ```
pub fn table_enum(table_enum: &TableEnum<'_>) -> TokenStream {
    let TableEnum { input, integer, variants, .. } = table_enum;
    let krate = inside();
    let name = &input.ident;
    let text = syn::ext::IdentExt::unraw(name).to_string();
    let idents: Vec<_> = variants.iter().map(|(ident, _)| ident).collect();
    let names = variants.iter().map(|(_, name)| name);
    let made = if integer.is_some() {
        let numbers = quote!(&[#(#name::#idents as ::core::primitive::i128),*]);
        quote!(integers(#text, &[#(#names),*], #numbers))
    } else {
        quote!(text(#text, &[#(#names),*]))
    };
    // Rust's own names for the variants cannot clash, so every position has one; the last stands
    // for the rest, since a match on numbers needs one that does.
    let encoded = idents.iter().enumerate().map(|(position, ident)| {
        let position = Index::from(position);
        quote!(Self::#ident => #position)
    });
    let last = idents.len().saturating_sub(1);
    let decoded = idents.iter().enumerate().map(|(position, ident)| {
        let pattern =
            if position == last { quote!(_) } else { Index::from(position).to_token_stream() };
        quote!(#pattern => Self::#ident)
    });
    let place = integer.as_ref().map_or(name.span(), syn::Ident::span);
    let variants_at = syn::Ident::new("__VARIANTS", place);
    let column_type = quote_spanned!(place=> #variants_at.column_type());
    let markers = ["NotNull", "Comparable", "Ordered", "KeyColumn"].map(|marker| {
        let marker = quote::format_ident!("{marker}");
        quote! {
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #krate::#marker for #name {}
        }
    });
    in_constant(
        &table_enum.krate,
        &quote! {
            const __VARIANTS: &#krate::Variants = &#krate::Variants::#made;
        // Of its own, since rustc looks at a trait's constant only where it is used.
        const __TYPE: #krate::ColumnType = #column_type;

            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #krate::ColumnValue for #name {
                const TYPE: #krate::ColumnType = __TYPE;
                const SCHEMA: ::core::option::Option<#krate::ValueSchema> =
                    ::core::option::Option::Some(#krate::ValueSchema::Enum(__VARIANTS));
                type Scalar = Self;

                fn into_value(self) -> #krate::Value {
                    Self::to_value(&self)
                }

                fn to_value(&self) -> #krate::Value {
                    __VARIANTS.value(match self { #(#encoded),* })
                }

                fn decode(
                    source: &mut dyn #krate::ColumnSource,
                    column: ::core::primitive::usize,
                ) -> ::core::result::Result<Self, #krate::DecodeError> {
                    ::core::result::Result::Ok(match __VARIANTS.decode(source, column)? {
                        #(#decoded),*
                    })
                }
            }

            #(#markers)*
        },
    )
}

/// The code of a newtype without mistakes.
///
/// ```text
/// impl ColumnValue for ProductId {
///     const TYPE: ColumnType = <i64 as ColumnValue>::TYPE;
///     const SCHEMA: Option<ValueSchema> = <i64 as ColumnValue>::SCHEMA;
///     type Scalar = Self;
///
///     fn into_value(self) -> Value {
///         <i64 as ColumnValue>::into_value(self.0)
///     }
///
///     fn to_value(&self) -> Value {
///         <i64 as ColumnValue>::to_value(&self.0)
///     }
///
///     fn decode(source: &mut dyn ColumnSource, column: usize) -> Result<Self, DecodeError> {
///         let inner = <i64 as ColumnValue>::decode(source, column)?;
///         Ok(Self(inner))
///     }
/// }
///
/// impl Comparable for ProductId
/// where
///     for<'any> i64: Comparable,
/// {
/// }
/// ```
///
/// Without its `for<'any>`, a bound on a concrete type would have to hold.
pub fn newtype(newtype: &TableNewtype<'_>) -> TokenStream {
    let TableNewtype { input, validate, inner, .. } = newtype;
    let Some(inner) = inner else { return TokenStream::new() };
    let krate = inside();
    let name = &input.ident;
    let value = quote_spanned!(inner.span()=> <#inner as #krate::ColumnValue>);
    let (schema, checked) = match validate {
        None => (quote!(#value::SCHEMA), None),
        Some(validate) => {
            let call = quote_spanned!(validate.span()=> #validate(inner));
            let schema = quote! {
                ::core::option::Option::Some(#krate::ValueSchema::Checked {
                    check: |value| #krate::codec::check_value::<#inner>(value, |inner| #call),
                    inner: &#value::SCHEMA,
                })
            };
            // The type is said, so that a function of another one is told which is meant.
            let checked = quote! {
                let check: fn(&#inner) -> ::core::result::Result<(), ::std::string::String> =
                    |inner| #call;
                if let ::core::result::Result::Err(message) = check(&inner) {
                    return ::core::result::Result::Err(#krate::DecodeError::new(column, message));
                }
            };
            (schema, Some(checked))
        }
    };
    let markers = [
        quote!(NotNull),
        quote!(Comparable),
        quote!(Ordered),
        quote!(TextColumn),
        quote!(KeyColumn),
        quote!(codec::Generated),
        quote!(codec::Document),
    ]
    .map(|marker| {
        quote! {
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #krate::#marker for #name where for<'any> #inner: #krate::#marker {}
        }
    });
    let numbers = quote!(#krate::codec::Numbers);
    in_constant(
        &newtype.krate,
        &quote! {
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #numbers for #name where for<'any> #inner: #numbers {
                type Elements = <#inner as #numbers>::Elements;
                type Length = <#inner as #numbers>::Length;
            }

            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl #krate::ColumnValue for #name {
                const TYPE: #krate::ColumnType = #value::TYPE;
                const SCHEMA: ::core::option::Option<#krate::ValueSchema> = #schema;
                type Scalar = Self;

                fn into_value(self) -> #krate::Value {
                    #value::into_value(self.0)
                }

                fn to_value(&self) -> #krate::Value {
                    #value::to_value(&self.0)
                }

                fn decode(
                    source: &mut dyn #krate::ColumnSource,
                    column: ::core::primitive::usize,
                ) -> ::core::result::Result<Self, #krate::DecodeError> {
                    let inner = #value::decode(source, column)?;
                    #checked
                    ::core::result::Result::Ok(Self(inner))
                }
            }

            #(#markers)*
        },
    )
}

/// The error messages, and the traits with bodies that nothing ever runs, so that the code that
/// uses the type is not blamed too.
pub fn own_type_stand_in(
    input: &DeriveInput,
    path: &TokenStream,
    errors: &TokenStream,
) -> TokenStream {
    let krate = inside();
    let name = &input.ident;
    let (parameters, arguments, bounds) = input.generics.split_for_impl();
    let markers = [
        quote!(NotNull),
        quote!(Comparable),
        quote!(Ordered),
        quote!(TextColumn),
        quote!(KeyColumn),
        quote!(codec::Generated),
    ];
    let constant = in_constant(
        path,
        &quote! {
            impl #parameters #krate::ColumnValue for #name #arguments #bounds {
                const TYPE: #krate::ColumnType = #krate::ColumnType::Text;
                type Scalar = Self;
                fn into_value(self) -> #krate::Value {
                    ::core::unreachable!()
                }
                fn to_value(&self) -> #krate::Value {
                    ::core::unreachable!()
                }
                fn decode(
                    _: &mut dyn #krate::ColumnSource,
                    _: ::core::primitive::usize,
                ) -> ::core::result::Result<Self, #krate::DecodeError> {
                    ::core::unreachable!()
                }
            }
            #(impl #parameters #krate::#markers for #name #arguments #bounds {})*
        },
    );
    quote!(#errors #constant)
}

fn in_constant(path: &TokenStream, implementations: &TokenStream) -> TokenStream {
    let inside = inside();
    quote! {
        #[allow(deprecated, clippy::all, clippy::pedantic)]
        const _: () = {
            use #path as #inside;

            #implementations
        };
    }
}
