//! The grammar that every `#[table(..)]` attribute shares: a list of `word`, `name = value` and
//! `name(list)`. A malformed item is reported and skipped up to the next comma, so that one
//! mistake does not hide the next.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{
    Attribute, Expr, Ident, LitStr, Meta, Token,
    ext::IdentExt as _,
    parse::{Parse, ParseStream, Parser as _, discouraged::Speculative as _},
    punctuated::Punctuated,
    token,
};

use crate::errors::Errors;

/// One item of an attribute's list.
pub struct Item {
    pub name: Ident,
    pub value: ItemValue,
}

/// What follows an item's name.
pub enum ItemValue {
    /// Nothing: `key`.
    None,
    /// `= value`.
    Assigned(TokenStream),
    /// `(list)`.
    List(TokenStream),
}

/// The items of all attributes called `path`.
pub fn items(attributes: &[Attribute], path: &str, errors: &Errors) -> Vec<Item> {
    let mut items = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(path)) {
        let Meta::List(list) = &attribute.meta else {
            errors.at(
                &attribute.meta,
                format!("`{path}` takes a list of attributes, such as `#[{path}(key)]`"),
            );
            continue;
        };
        items.extend(items_of(list.tokens.clone(), errors));
    }
    items
}

/// The items of one list.
pub fn items_of(tokens: TokenStream, errors: &Errors) -> Vec<Item> {
    let parser = |input: ParseStream<'_>| {
        let mut items = Vec::new();
        while !input.is_empty() {
            match parse_item(input, errors) {
                Ok(item) => items.push(item),
                Err(error) => {
                    errors.push(error);
                    skip_to_comma(input);
                }
            }
            if !input.is_empty() && !input.peek(Token![,]) {
                errors.push(input.error("expected `,` before this; write one"));
                skip_to_comma(input);
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(items)
    };
    parser.parse2(tokens).unwrap_or_else(|error| {
        errors.push(error);
        Vec::new()
    })
}

fn parse_item(input: ParseStream<'_>, errors: &Errors) -> syn::Result<Item> {
    let name = if input.peek(Ident::peek_any) {
        input.call(Ident::parse_any)?
    } else {
        quoted_name(input, errors)?
    };
    if input.peek(Token![::]) {
        return Err(syn::Error::new_spanned(name, "an attribute's name is a single word"));
    }
    let value = if input.peek(Token![=]) {
        let equals: Token![=] = input.parse()?;
        let value = value_tokens(input);
        if value.is_empty() {
            return Err(syn::Error::new_spanned(equals, "expected a value after `=`"));
        }
        ItemValue::Assigned(value)
    } else if input.peek(token::Paren) {
        let content;
        syn::parenthesized!(content in input);
        ItemValue::List(content.parse()?)
    } else {
        ItemValue::None
    };
    Ok(Item { name, value })
}

/// A name in quotes is a mistake, but it is plain what is meant.
fn quoted_name(input: ParseStream<'_>, errors: &Errors) -> syn::Result<Ident> {
    let error = input.error("expected the name of an attribute, such as `key`");
    let Ok(text) = input.parse::<LitStr>() else { return Err(error) };
    let Ok(name) = text.parse_with(Ident::parse_any) else { return Err(error) };
    errors.at(text, format!("the names of attributes have no quotes; write `{name}`"));
    Ok(name)
}

/// The value after `=`: an expression, or whatever stands before the next comma.
///
/// syn without its `full` feature does not know blocks, closures and arrays; rustc judges those.
fn value_tokens(input: ParseStream<'_>) -> TokenStream {
    let fork = input.fork();
    if let Ok(expression) = fork.parse::<Expr>()
        && (fork.is_empty() || fork.peek(Token![,]))
    {
        input.advance_to(&fork);
        return expression.into_token_stream();
    }
    skip_to_comma(input)
}

fn skip_to_comma(input: ParseStream<'_>) -> TokenStream {
    let mut skipped = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        match input.parse::<TokenTree>() {
            Ok(token) => skipped.extend([token]),
            Err(_) => break,
        }
    }
    skipped
}

impl Item {
    /// Checks that the item is a single word.
    pub fn check_word(&self, errors: &Errors) {
        if !matches!(self.value, ItemValue::None) {
            errors.at(&self.name, format!("`{0}` takes no value; write `{0}` alone", self.name));
        }
    }

    /// The string after `=`. `example` shows what to write.
    pub fn string(&self, example: &str, errors: &Errors) -> Option<LitStr> {
        self.assigned(&format!("{} = \"{example}\"", self.name), errors)
    }

    /// What stands after `=`. `example` shows what to write.
    pub fn assigned<T: Parse>(&self, example: &str, errors: &Errors) -> Option<T> {
        let ItemValue::Assigned(value) = &self.value else {
            errors.at(&self.name, format!("`{}` needs a value; write `{example}`", self.name));
            return None;
        };
        let parsed = syn::parse2(value.clone());
        if parsed.is_err() {
            errors.at(value, format!("not a value of `{}`; write `{example}`", self.name));
        }
        parsed.ok()
    }

    /// The field names in parentheses. `example` shows what to write.
    pub fn fields(&self, example: &str, errors: &Errors) -> Option<Vec<Ident>> {
        let ItemValue::List(list) = &self.value else {
            errors.at(
                &self.name,
                format!("`{0}` on a struct takes field names; write `{0}{example}`", self.name),
            );
            return None;
        };
        let parser = Punctuated::<Ident, Token![,]>::parse_terminated_with;
        let parser = |input: ParseStream<'_>| parser(input, Ident::parse_any);
        match parser.parse2(list.clone()) {
            Ok(fields) if fields.is_empty() => {
                errors.at(
                    &self.name,
                    format!("`{0}` names no field; write `{0}{example}`", self.name),
                );
                None
            }
            Ok(fields) => Some(fields.into_iter().collect()),
            Err(_) => {
                errors.at(
                    list,
                    format!("expected names of fields, without quotes: `{}{example}`", self.name),
                );
                None
            }
        }
    }
}

/// Fills `slot`; an attribute that was given before is a mistake at the second one.
pub fn set<T>(slot: &mut Option<T>, name: &Ident, value: T, errors: &Errors) {
    if slot.is_some() {
        errors.at(name, format!("`{name}` is given twice; keep one of them"));
    } else {
        *slot = Some(value);
    }
}
