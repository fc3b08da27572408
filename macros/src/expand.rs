//! Third phase: writes the code of a table.
//!
//! The public types and constants stand beside the struct; everything else goes into one
//! `const _`, where its names cannot clash with the user's. Paths are absolute for the same
//! reason. Data is preferred to code: what can be said in a constant is no function.

mod check;
mod codec;
mod column;
mod definition;
mod embed;
mod generated;
mod insert;
mod key;
mod managed;
mod optional;
mod own_type;
mod patch;
mod position;
mod reference;
mod row;
mod stand_in;

use self::{definition::option, position::Position};
pub use self::{
    embed::{embedded, embedded_stand_in},
    own_type::{newtype, own_type_stand_in, table_enum},
    stand_in::stand_ins,
};
use crate::model::Table;
use proc_macro2::TokenStream;
use quote::quote;

/// The code of a table without mistakes.
pub fn table(table: &Table<'_>) -> TokenStream {
    let krate = &table.krate;
    let expand = Expand { table, krate };
    let types = [
        expand.insert_struct(),
        expand.optional_struct(),
        expand.patch_struct(),
        expand.key_struct(),
        expand.column_constants(),
        expand.reference_constants(),
    ];
    let inside = inside();
    let expand = Expand { table, krate: &inside };
    let implementations = [
        expand.checks(),
        expand.reference_checks(),
        expand.row(),
        expand.table(),
        expand.key_of_row(),
        expand.soft_delete().unwrap_or_default(),
        expand.insertable(),
        expand.optional_columns(),
        expand.table_patch(),
        expand.table_key(),
    ];
    // `deprecated`: a field may be; `unused_mut`: a table may have nothing to set.
    quote! {
        #(#types)*

        #[allow(deprecated, unused_mut, clippy::all, clippy::pedantic)]
        const _: () = {
            use #krate as #inside;

            #(#implementations)*
        };
    }
}

/// What the `storehouse` crate is called inside `const _`, where a name can be chosen freely.
fn inside() -> TokenStream {
    quote!(_storehouse)
}

/// What every file of this module writes with.
struct Expand<'a> {
    table: &'a Table<'a>,
    /// The path of the `storehouse` crate where the code goes.
    krate: &'a TokenStream,
}
