//! Which entries of a key-value store were touched, noted while the store is followed by other tabs of a
//! browser. A hash map cannot be compared with what it was, as a table can.

use super::table::KvState;
#[cfg(any(target_family = "wasm", test))]
use super::{super::changes::Happened, Writing, table::OrderedKey};
use crate::value::Value;

/// What was touched.
#[cfg(any(target_family = "wasm", test))]
#[derive(Default)]
pub(in super::super) struct Touched {
    /// Whether everything was deleted, before the rest.
    pub(in super::super) is_cleared: bool,
    keys: std::collections::BTreeSet<OrderedKey>,
}

#[cfg(any(target_family = "wasm", test))]
impl Touched {
    pub(in super::super) fn is_empty(&self) -> bool {
        !self.is_cleared && self.keys.is_empty()
    }

    pub(in super::super) fn keys(&self) -> impl Iterator<Item = &Value> {
        self.keys.iter().map(|OrderedKey(key)| key)
    }
}

#[cfg(any(target_family = "wasm", test))]
impl KvState {
    /// Begins to note what is touched, or ends it.
    pub(in super::super) fn watch(&mut self, begins: bool) {
        self.touched = begins.then(Touched::default);
    }

    /// What was touched since this was asked last, or since it is noted.
    pub(in super::super) fn take_touched(&mut self) -> Touched {
        self.touched.replace(Touched::default()).unwrap_or_default()
    }

    /// Does what was done to the same store elsewhere, and notes it where somebody asks for it.
    pub(in super::super) fn follow(
        &mut self,
        is_cleared: bool,
        removed: &[Value],
        stored: Vec<[Value; 3]>,
        log: Option<&mut Vec<Happened>>,
    ) {
        let mut direct = Writing::Direct { state: self, happened: log };
        if is_cleared {
            direct.clear();
        }
        for key in removed {
            direct.remove(key);
        }
        for entry in stored {
            direct.set(entry.into());
        }
    }

    pub(super) fn touch(&mut self, key: &Value) {
        if let Some(touched) = &mut self.touched {
            touched.keys.insert(OrderedKey(key.clone()));
        }
    }

    pub(super) fn touch_all(&mut self) {
        if let Some(touched) = &mut self.touched {
            *touched = Touched { is_cleared: true, ..Touched::default() };
        }
    }

    /// Forgets everything, as before `setup_database`.
    pub(in super::super) fn forget(&mut self) {
        self.clear();
        self.make_unready();
    }
}

/// There are no tabs that share memory but in a browser.
#[cfg(not(any(target_family = "wasm", test)))]
#[expect(clippy::unused_self, reason = "the same methods where something is noted")]
impl KvState {
    pub(super) const fn touch(&self, _key: &Value) {}

    pub(super) const fn touch_all(&self) {}
}
