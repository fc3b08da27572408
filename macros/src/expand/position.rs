//! Positions of columns, as they are written.
//!
//! A column after an embedded struct stands where only rustc can tell, so its position is an
//! expression.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Index, spanned::Spanned as _};

use super::Expand;
use crate::model::{Column, Table};

/// A position: `3`, or `3 + <Address as Embed>::COLUMNS`.
#[derive(Clone)]
pub struct Position {
    /// What it is counted from, where that is not the first column.
    base: Option<TokenStream>,
    /// How many plain columns stand before it.
    plain: usize,
    /// How many columns each embedded struct before it has.
    embedded: Vec<TokenStream>,
}

impl From<usize> for Position {
    fn from(plain: usize) -> Self {
        Self { base: None, plain, embedded: Vec::new() }
    }
}

impl Position {
    /// Whether it is a number.
    pub const fn is_number(&self) -> bool {
        self.base.is_none() && self.embedded.is_empty()
    }
}

impl ToTokens for Position {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let plain = Index::from(self.plain);
        let Self { base, embedded, .. } = self;
        let needs_plain = self.plain > 0 || (base.is_none() && embedded.is_empty());
        let plain = needs_plain.then(|| plain.to_token_stream());
        let mut parts = base.iter().chain(&plain).chain(embedded);
        if let Some(first) = parts.next() {
            tokens.extend(quote!(#first #(+ #parts)*));
        }
    }
}

impl Expand<'_> {
    /// The columns, each with its position as it is written.
    pub fn columns(&self) -> impl Iterator<Item = (Position, &Column<'_>)> {
        self.columns_from(None)
    }

    /// The columns, each with its position from `base` on.
    pub fn columns_from(
        &self,
        base: Option<TokenStream>,
    ) -> impl Iterator<Item = (Position, &Column<'_>)> {
        self.table.positioned().map(move |(position, column)| {
            (Position { base: base.clone(), ..self.position(position) }, column)
        })
    }

    /// The position of a column by its number among the fields; that of the end, too.
    pub fn position(&self, number: usize) -> Position {
        let embedded: Vec<TokenStream> = (self.table.columns[..number].iter())
            .filter(|column| column.is_embedded())
            .map(|column| self.of_embed(column, "COLUMNS"))
            .collect();
        Position { base: None, plain: number - embedded.len(), embedded }
    }

    /// Positions of columns, by their numbers.
    pub fn positions(&self, numbers: &[usize]) -> impl Iterator<Item = Position> {
        numbers.iter().map(|&number| self.position(number))
    }

    /// A constant list of positions.
    pub fn position_list(&self, numbers: &[usize]) -> TokenStream {
        let positions: Vec<Position> = self.positions(numbers).collect();
        if positions.iter().all(Position::is_number) {
            quote!(&[#(#positions),*])
        } else {
            quote!(const { &[#(#positions),*] })
        }
    }

    /// The position of a column as a type, from that of `base` on:
    /// `Past<After<Start, 1>, Address>`.
    pub fn place(&self, table: &Table<'_>, number: usize, base: &TokenStream) -> TokenStream {
        let krate = self.krate;
        let mut place = base.clone();
        let mut plain = 0;
        let after = |place: TokenStream, plain: usize| {
            let plain = Index::from(plain);
            quote!(#krate::__private::After<#place, #plain>)
        };
        for column in &table.columns[..number] {
            if column.is_embedded() {
                if plain > 0 {
                    place = after(place, plain);
                    plain = 0;
                }
                let ty = column.ty();
                place = quote_spanned!(ty.span()=> #krate::__private::Past<#place, #ty>);
            } else {
                plain += 1;
            }
        }
        if plain > 0 { after(place, plain) } else { place }
    }
}
