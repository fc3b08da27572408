//! `derive(Table)`: turns a struct into a table of Storehouse.
//!
//! Programs use it through the `storehouse` crate. It works in three phases: `parse` reads what
//! was written, `model` finds out what it means and checks it, `expand` writes the code, with one
//! file for each thing it emits.

mod errors;
mod expand;
mod model;
mod parse;
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

fn expand(mut input: DeriveInput) -> proc_macro2::TokenStream {
    parse::resolve_self(&mut input);
    let errors = errors::Errors::new();
    let table = model::Table::new(&input, &errors);
    match errors.finish() {
        None => expand::table(&table),
        Some(errors) => expand::stand_ins(table, &errors),
    }
}
