//! How long a query may take on its caller's own thread.
//!
//! SQLite asks a connection every few instructions whether a statement is to go on. While a limit
//! is set, the answer is no once the statement is no longer a short one.

use std::{
    ffi::c_int,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use storehouse_runtime::Result;

use crate::{error, lock::lock};

/// After so many instructions of its virtual machine SQLite asks whether to go on.
const BETWEEN_QUESTIONS: c_int = 64;

/// A query is short that takes no more instructions than this: about those of 400 rows that are
/// found by an index, which is about half a millisecond.
const SHORT: c_int = 4_096;

/// And it takes no longer than this, should the pages have to come from a disk.
const LONGEST: Duration = Duration::from_millis(2);

/// Whether a statement that took so many instructions and so long was short.
pub(crate) fn is_short(instructions: c_int, duration: Duration) -> bool {
    instructions <= SHORT && duration <= LONGEST
}

/// What a connection answers. One thread at a time has a connection, so nobody waits for the lock.
pub(crate) struct Patience(Arc<Mutex<Limit>>);

#[derive(Clone, Copy)]
enum Limit {
    /// A statement may take what it takes.
    None,
    /// It may go on so many times more, and until then.
    Left { questions: c_int, until: Instant },
    /// It was told to stop.
    Reached,
}

impl Patience {
    /// The patience of that connection: endless, as long as nothing is said.
    pub(crate) fn of(connection: &Connection) -> Result<Self> {
        let limit = Arc::new(Mutex::new(Limit::None));
        let asked = Arc::clone(&limit);
        let is_to_stop = move || lock(&asked).is_reached();
        let installed = connection.progress_handler(BETWEEN_QUESTIONS, Some(is_to_stop));
        installed.map_err(error::of_database)?;
        Ok(Self(limit))
    }

    /// Does `work`, and tells whether a statement in it was stopped because it was not short.
    pub(crate) fn for_short<R>(&self, work: impl FnOnce() -> R) -> (R, bool) {
        /// Also when `work` panics.
        struct Lift<'p>(&'p Mutex<Limit>);

        impl Drop for Lift<'_> {
            fn drop(&mut self) {
                *lock(self.0) = Limit::None;
            }
        }

        let questions = SHORT / BETWEEN_QUESTIONS;
        *lock(&self.0) = Limit::Left { questions, until: Instant::now() + LONGEST };
        let _lift = Lift(&self.0);
        let done = work();
        let is_reached = matches!(*lock(&self.0), Limit::Reached);
        (done, is_reached)
    }
}

impl Limit {
    /// Answers one question.
    fn is_reached(&mut self) -> bool {
        match self {
            Self::None => false,
            Self::Left { questions, until } if *questions > 0 && Instant::now() < *until => {
                *questions -= 1;
                false
            }
            Self::Left { .. } | Self::Reached => {
                *self = Self::Reached;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use rusqlite::ErrorCode;

    use super::*;

    fn count_to(connection: &Connection, number: i64) -> rusqlite::Result<i64> {
        let sql = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) \
                   SELECT count(*) FROM n";
        connection.query_row(sql, [number], |row| row.get(0))
    }

    #[test]
    fn only_a_long_statement_under_a_limit_is_stopped() {
        let connection = Connection::open_in_memory().unwrap();
        let patience = Patience::of(&connection).unwrap();
        assert_eq!(count_to(&connection, 100_000).unwrap(), 100_000);
        let (few, was_stopped) = patience.for_short(|| count_to(&connection, 10));
        assert_eq!((few.unwrap(), was_stopped), (10, false));
        let (many, was_stopped) = patience.for_short(|| count_to(&connection, 100_000));
        let code = many.unwrap_err().sqlite_error_code();
        assert_eq!((code, was_stopped), (Some(ErrorCode::OperationInterrupted), true));
        assert_eq!(count_to(&connection, 100_000).unwrap(), 100_000);
    }

    #[test]
    fn a_panic_lifts_the_limit() {
        let connection = Connection::open_in_memory().unwrap();
        let patience = Patience::of(&connection).unwrap();
        let panicking = || patience.for_short(|| panic!("as planned"));
        assert!(catch_unwind(AssertUnwindSafe(panicking)).is_err());
        assert_eq!(count_to(&connection, 100_000).unwrap(), 100_000);
    }
}
