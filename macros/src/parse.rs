//! First phase: from tokens to what was written, with its place in the source.
//!
//! Nothing is judged here beyond the grammar of the attributes themselves; what they mean
//! together is the model's business.

mod attribute;
mod field;
mod self_type;
mod serde;
mod table;

pub use self::{
    field::{FieldAttributes, VectorAttribute},
    self_type::resolve_self,
    serde::{RenameRule, SerdeName},
    table::{IndexAttribute, TableAttributes},
};
