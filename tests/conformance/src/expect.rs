//! What the behaviours say again and again: a table that is set up, an error of a kind.

use std::fmt::Debug;

use storehouse::{Table, Tabular};
use storehouse_runtime::{Error, ReferenceProblem, Result, Store};

use crate::kind::kind;

/// The table of `T`, set up.
pub(crate) async fn set_up<T: Table>(store: &Store) -> Result<Tabular<T>> {
    let table = store.tabular::<T>().await?;
    table.setup_database().await?;
    Ok(table)
}

/// The error, which must be of that kind.
#[track_caller]
pub(crate) fn fails<T: Debug>(expected: &str, result: Result<T>) -> Error {
    match result {
        Ok(value) => panic!("expected an error of kind {expected}, got {value:?}"),
        Err(error) if kind(&error) == expected => error,
        Err(error) => panic!("expected an error of kind {expected}, got {}: {error}", kind(&error)),
    }
}

/// The error must be a conflict on these columns, as far as the backend names them.
#[track_caller]
pub(crate) fn conflicts<T: Debug>(columns: &[&str], result: Result<T>) {
    if let Error::Conflict { columns: named, .. } = fails("Conflict", result)
        && !named.is_empty()
    {
        assert_eq!(named, columns);
    }
}

/// The error must be a reference by these columns that does not hold, to or from that table, as
/// far as the backend names them.
#[track_caller]
pub(crate) fn refers<T: Debug>(
    problem: ReferenceProblem,
    columns: &[&str],
    table: &str,
    result: Result<T>,
) {
    let error = fails("Reference", result);
    assert!(!error.is_retryable());
    let Error::Reference { problem: found, columns: named, other_table, .. } = error else {
        unreachable!()
    };
    assert_eq!(found, problem);
    if !named.is_empty() {
        assert_eq!(named, columns);
    }
    if !other_table.is_empty() {
        assert_eq!(other_table, table);
    }
}

/// The error must be a validation that says this.
#[track_caller]
pub(crate) fn is_refused<T: Debug>(says: &str, result: Result<T>) {
    let message = fails("Validation", result).to_string();
    assert!(message.contains(says), "expected a message with {says:?}, got {message:?}");
}
