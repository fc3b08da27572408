//! `Self` in a field's type. The type is copied into other structs, where `Self` would mean them.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Data, DeriveInput, Fields};

/// Writes the struct's name for `Self` in the types of its fields.
pub fn resolve_self(input: &mut DeriveInput) {
    let name = &input.ident;
    let Data::Struct(data) = &mut input.data else { return };
    let Fields::Named(fields) = &mut data.fields else { return };
    for field in &mut fields.named {
        let tokens = field.ty.to_token_stream();
        if mentions_self(&tokens)
            && let Ok(resolved) = syn::parse2(replace_self(tokens, name))
        {
            field.ty = resolved;
        }
    }
}

fn mentions_self(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(&group.stream()),
        _ => false,
    })
}

fn replace_self(tokens: TokenStream, name: &Ident) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let mut name = name.clone();
                name.set_span(ident.span());
                TokenTree::Ident(name)
            }
            TokenTree::Group(group) => {
                let stream = replace_self(group.stream(), name);
                let mut replaced = Group::new(group.delimiter(), stream);
                replaced.set_span(group.span());
                TokenTree::Group(replaced)
            }
            other => other,
        })
        .collect()
}
