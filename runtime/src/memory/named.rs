//! Databases that have a name: one for all of the process who open it, for as long as somebody does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use super::database::Database;
use crate::error::{Error, Result};

/// The databases that somebody has open, and some that nobody has any more.
type Named = BTreeMap<String, Weak<Database>>;

#[cfg(not(target_family = "wasm"))]
static NAMED: Mutex<Named> = Mutex::new(BTreeMap::new());

// There is one thread, and what it holds need not be fit for others.
#[cfg(target_family = "wasm")]
thread_local! {
    static NAMED: Mutex<Named> = const { Mutex::new(BTreeMap::new()) };
}

#[cfg(not(target_family = "wasm"))]
fn with_named<R>(work: impl FnOnce(&mut Named) -> R) -> R {
    work(&mut NAMED.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(target_family = "wasm")]
fn with_named<R>(work: impl FnOnce(&mut Named) -> R) -> R {
    NAMED.with(|named| work(&mut named.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// A name is no longer than that.
const MOST: usize = 128;

/// The database of that name, which is empty when nobody else has it open.
///
/// Fails with [`Error::Validation`] when it cannot be a name.
pub(super) fn database(name: &str) -> Result<Arc<Database>> {
    check(name)?;
    // Under the lock, so that of two who come at once both get the same.
    with_named(|named| {
        if let Some(database) = named.get(name).and_then(Weak::upgrade) {
            return Ok(database);
        }
        named.retain(|_, database| database.strong_count() > 0);
        let database = new(name);
        named.insert(name.to_owned(), Arc::downgrade(&database));
        Ok(database)
    })
}

#[cfg(not(target_family = "wasm"))]
fn new(_name: &str) -> Arc<Database> {
    Arc::default()
}

/// Where the browser can, it is shared with other tabs.
#[cfg(target_family = "wasm")]
fn new(name: &str) -> Arc<Database> {
    match super::peers::host(name) {
        Some(host) => Database::shared(name, host),
        None => Arc::default(),
    }
}

fn check(name: &str) -> Result<()> {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if !name.is_empty() && name.len() <= MOST && name.bytes().all(is_usual) {
        return Ok(());
    }
    Err(Error::validation(format!(
        "`{name}` cannot be the name of a memory database; take up to {MOST} ASCII letters, digits, \
         `_`, `-` and `.`, as in `memory://sessions`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_database_while_somebody_has_it() {
        let one = database("a_name_is_one").unwrap();
        let other = database("a_name_is_one").unwrap();
        assert!(Arc::ptr_eq(&one, &other));
        assert!(!Arc::ptr_eq(&one, &database("A_name_is_one").unwrap()));
        let engine = one.engine;
        drop(one);
        assert_eq!(database("a_name_is_one").unwrap().engine, engine);
        drop(other);
        assert_ne!(database("a_name_is_one").unwrap().engine, engine);
    }

    #[test]
    fn what_nobody_has_any_more_takes_no_room() {
        for number in 0..1_000 {
            database(&format!("takes_no_room_{number}")).unwrap();
        }
        let left = |named: &mut Named| {
            named.keys().filter(|name| name.starts_with("takes_no_room_")).count()
        };
        assert!(with_named(left) <= 1);
    }

    #[test]
    fn a_name_is_of_usual_characters() {
        for name in ["", "a/b", "a?b", "a b", "ü", "a#b", &*"a".repeat(MOST + 1)] {
            assert!(matches!(database(name), Err(Error::Validation { .. })), "{name}");
        }
        database("Az.09_-").unwrap();
        database(&"a".repeat(MOST)).unwrap();
    }
}
