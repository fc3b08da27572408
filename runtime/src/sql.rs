//! SQL text for what is put together at run time: queries, counts, deletions, partial updates.
//!
//! A backend that speaks SQL gives a [`Command`] to its [`StatementCache`] and gets the text and
//! the [`Parameter`]s to bind. One walk over the command writes the text, gathers the parameters
//! and makes the key under which the text is kept, so that these cannot disagree. Every name is
//! quoted and every value is a parameter.

mod aggregate;
mod assign;
mod cache;
mod command;
mod filter;
mod json_path;
mod keyset;
mod parameter;
mod pattern;
mod pieces;

pub use self::{
    cache::{Rendered, StatementCache},
    command::Command,
    parameter::Parameter,
};
