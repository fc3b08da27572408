//! Which of a field's attributes say that the store keeps the column up by itself.

use syn::Ident;

use super::attribute::{Item, set};
use crate::errors::Errors;

/// What the store does with a managed column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManagedKind {
    CreatedAt,
    UpdatedAt,
    Version,
    SoftDelete,
}

impl ManagedKind {
    pub const ALL: [Self; 4] = [Self::CreatedAt, Self::UpdatedAt, Self::Version, Self::SoftDelete];

    /// The attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Version => "version",
            Self::SoftDelete => "soft_delete",
        }
    }
}

/// The attributes of a field that make it a managed column: one at most, when all is well.
#[derive(Default)]
pub struct ManagedAttributes([Option<Ident>; 4]);

impl ManagedAttributes {
    /// Takes an attribute that is one of these; `false` when it is another.
    pub fn add(&mut self, item: &Item, errors: &Errors) -> bool {
        let position = ManagedKind::ALL.iter().position(|kind| item.name == kind.name());
        if let Some(position) = position {
            item.check_word(errors);
            set(&mut self.0[position], &item.name, item.name.clone(), errors);
        }
        position.is_some()
    }

    /// Those that were written, with their names as they were.
    pub fn written(&self) -> impl Iterator<Item = (ManagedKind, &Ident)> {
        let named = ManagedKind::ALL.into_iter().zip(&self.0);
        named.filter_map(|(kind, name)| Some((kind, name.as_ref()?)))
    }
}
