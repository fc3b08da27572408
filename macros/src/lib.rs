//! `derive(Table)`: turns a struct into a table of Storehouse, and `derive(Projection)` into a part of
//! one.
//!
//! Programs use it through the `storehouse` crate. It works in three phases: `parse` reads what
//! was written, `model` finds out what it means and checks it, `expand` writes the code, with one
//! file for each thing it emits.

mod errors;
mod expand;
mod model;
mod parse;
mod projection;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

#[doc = include_str!("table.md")]
#[proc_macro_derive(Table, attributes(table))]
pub fn derive_table(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(input).into()
}

#[doc = include_str!("projection.md")]
#[proc_macro_derive(Projection, attributes(table))]
pub fn derive_projection(input: TokenStream) -> TokenStream {
    let mut input = parse_macro_input!(input as DeriveInput);
    parse::resolve_self(&mut input);
    projection::expand(&input).into()
}
#[doc = include_str!("table_enum.md")]
#[proc_macro_derive(TableEnum, attributes(table))]
pub fn derive_table_enum(input: TokenStream) -> TokenStream {
    expand_enum(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("table_newtype.md")]
#[proc_macro_derive(TableNewtype, attributes(table))]
pub fn derive_table_newtype(input: TokenStream) -> TokenStream {
    expand_newtype(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("table_embed.md")]
#[proc_macro_derive(TableEmbed, attributes(table))]
pub fn derive_table_embed(input: TokenStream) -> TokenStream {
    expand_embed(parse_macro_input!(input as DeriveInput)).into()
}

fn expand(mut input: DeriveInput) -> proc_macro2::TokenStream {
    parse::resolve_self(&mut input);
    let errors = errors::Errors::new();
    let table = model::Table::new(&input, &errors);
    match errors.finish() {
        None => expand::table(&table),
        Some(errors) => expand::stand_ins(table, &errors),
    }
}

fn expand_enum(input: &DeriveInput) -> proc_macro2::TokenStream {
    let errors = errors::Errors::new();
    let table_enum = model::TableEnum::new(input, &errors);
    match errors.finish() {
        None => expand::table_enum(&table_enum),
        Some(errors) => expand::own_type_stand_in(input, &table_enum.krate, &errors),
    }
}

fn expand_newtype(input: &DeriveInput) -> proc_macro2::TokenStream {
    let errors = errors::Errors::new();
    let newtype = model::TableNewtype::new(input, &errors);
    match errors.finish() {
        None => expand::newtype(&newtype),
        Some(errors) => expand::own_type_stand_in(input, &newtype.krate, &errors),
    }
}

fn expand_embed(mut input: DeriveInput) -> proc_macro2::TokenStream {
    parse::resolve_self(&mut input);
    let errors = errors::Errors::new();
    let table = model::Table::embedded(&input, &errors);
    match errors.finish() {
        None => expand::embedded(&table),
        Some(errors) => expand::embedded_stand_in(table, &errors),
    }
}
