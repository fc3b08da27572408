//! The definitions of a store whose tables all keep a log of their changes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::definition::TableDef;

/// For each definition the same one with a log. Backends tell tables apart by where their
/// definition is, so there is one for each.
#[derive(Debug, Default)]
pub(crate) struct LoggedTables(Mutex<HashMap<usize, Pair>>);

/// A definition as it was given, which keeps its place, and with a log.
type Pair = (Arc<TableDef>, Arc<TableDef>);

impl LoggedTables {
    pub(crate) fn of(&self, definition: &Arc<TableDef>) -> Arc<TableDef> {
        if definition.changes {
            return Arc::clone(definition);
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = Arc::as_ptr(definition).addr();
        if let Some((_, logged)) = known.get(&address) {
            return Arc::clone(logged);
        }
        // Those that nobody else has were made for a moment, such as a table under another name.
        known.retain(|_, (given, logged)| {
            Arc::strong_count(given) > 1 || Arc::strong_count(logged) > 1
        });
        let logged = Arc::new(TableDef { changes: true, ..TableDef::clone(definition) });
        known.insert(address, (Arc::clone(definition), Arc::clone(&logged)));
        logged
    }
}
