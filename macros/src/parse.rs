//! First phase: from tokens to what was written, with its place in the source.
//!
//! Nothing is judged here beyond the grammar of the attributes themselves; what they mean
//! together is the model's business.

mod attribute;
mod embed;
mod field;
mod managed;
mod own_type;
mod references;
mod rename_from;
mod self_type;
mod serde;
mod table;
pub mod variant_case;

pub use self::{
    attribute::{items, set},
    embed::{EmbedAttribute, FieldPath},
    field::{FieldAttributes, VECTOR_EXAMPLE, VectorAttribute},
    managed::ManagedKind,
    own_type::{
        EmbedAttributes, EnumAttributes, NewtypeAttributes, VariantAttributes, check_newtype_field,
    },
    references::ReferencesAttribute,
    rename_from::PreviousNames,
    self_type::resolve_self,
    serde::{RenameRule, SerdeName, rename_all},
    table::{IndexAttribute, TableAttributes},
};
