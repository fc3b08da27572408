//! The connection that writes, which the writer shares with whoever finds it free.
//!
//! In WAL mode commits go to a log, which has to be moved into the file from time to time: a
//! checkpoint. SQLite would let a caller do that within its commit; here the writer does it
//! afterwards, when the callers have their answers.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
};

use rusqlite::Connection;

/// How many pages the log has before it is moved into the file; SQLite's own choice.
const CHECKPOINT_PAGES: u32 = 1_000;

thread_local! {
    /// How many pages the log had after the last commit on this thread.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// A connection, and who may have it.
#[derive(Clone)]
pub(crate) struct Shared(Arc<State>);

struct State {
    connection: Mutex<Connection>,
    /// How many requests the writer has not begun with. While there are any, nobody else takes
    /// the connection, so that nobody is overtaken for ever.
    waiting: AtomicUsize,
    /// How many pages the log may have before the next checkpoint.
    checkpoint_at: AtomicU32,
    checkpoint_is_due: AtomicBool,
}

impl Shared {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(Arc::new(State {
            connection: Mutex::new(connection),
            waiting: AtomicUsize::new(0),
            checkpoint_at: AtomicU32::new(CHECKPOINT_PAGES),
            checkpoint_is_due: AtomicBool::new(false),
        }))
    }

    /// The connection, unless somebody has it or the writer is asked for something.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, Connection>> {
        if self.0.waiting.load(Ordering::Acquire) > 0 {
            return None;
        }
        match self.0.connection.try_lock() {
            Ok(connection) => Some(connection),
            // A panic resets the statement that it interrupts and rolls back what it leaves open.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Waits for the connection; only the writer does.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a request carries until the writer begins with it.
    pub(crate) fn ticket(&self) -> Ticket {
        self.0.waiting.fetch_add(1, Ordering::AcqRel);
        Ticket(self.clone())
    }

    /// Looks how long the commit just made on this thread left the log, and tells whether the
    /// writer has to be told.
    pub(crate) fn note_commit(&self) -> bool {
        let pages = LOG_PAGES.take();
        if pages == 0 {
            return false;
        }
        let state = &*self.0;
        if pages < CHECKPOINT_PAGES {
            // The log began anew.
            state.checkpoint_at.store(CHECKPOINT_PAGES, Ordering::Relaxed);
            return false;
        }
        let is_due = pages >= state.checkpoint_at.load(Ordering::Relaxed);
        if is_due {
            state.checkpoint_at.store(u32::MAX, Ordering::Relaxed);
            state.checkpoint_is_due.store(true, Ordering::Relaxed);
        }
        is_due
    }

    /// Moves the log into the file, as far as readers allow, where it has grown long.
    pub(crate) fn checkpoint_if_due(&self, connection: &Connection) {
        let state = &*self.0;
        if !state.checkpoint_is_due.swap(false, Ordering::Relaxed) {
            return;
        }
        let moved =
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1));
        let pages = match moved {
            Ok(pages) => u32::try_from(pages).unwrap_or(0),
            Err(error) => {
                tracing::warn!(target: "storehouse", %error, "the log could not be moved");
                0
            }
        };
        // A log that a reader holds on to grows on, and need not be looked at after each commit.
        let next = pages.saturating_add(CHECKPOINT_PAGES);
        state.checkpoint_at.store(next, Ordering::Relaxed);
    }
}

/// Marks a request that waits for the writer.
pub(crate) struct Ticket(Shared);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Leaves checkpoints of this connection's commits to [`Shared`].
pub(crate) fn watch_log(connection: &Connection) {
    connection.wal_hook(Some(|_, pages| {
        LOG_PAGES.set(u32::try_from(pages).unwrap_or(0));
        Ok(())
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        Shared::new(Connection::open_in_memory().unwrap())
    }

    #[test]
    fn whoever_waits_for_the_writer_is_not_overtaken() {
        let shared = shared();
        assert!(shared.try_lock().is_some());
        let (first, second) = (shared.ticket(), shared.ticket());
        assert!(shared.try_lock().is_none());
        drop(first);
        assert!(shared.try_lock().is_none());
        drop(second);
        let held = shared.try_lock();
        assert!(held.is_some());
        assert!(shared.try_lock().is_none());
    }

    #[test]
    fn a_panic_does_not_take_the_connection_away() {
        let shared = shared();
        let panicking = shared.clone();
        let panicked = std::thread::spawn(move || {
            let _held = panicking.lock();
            panic!("as planned");
        });
        assert!(panicked.join().is_err());
        assert!(shared.try_lock().is_some());
        drop(shared.lock());
    }

    #[test]
    fn a_long_log_is_noted_once() {
        let shared = shared();
        let note = |pages| {
            LOG_PAGES.set(pages);
            shared.note_commit()
        };
        let due = || shared.0.checkpoint_is_due.load(Ordering::Relaxed);
        assert!(!note(CHECKPOINT_PAGES - 1));
        assert!(!due());
        assert!(note(CHECKPOINT_PAGES));
        assert!(due());
        assert!(!note(CHECKPOINT_PAGES + 1), "the writer knows already");
        // A commit that wrote nothing, or of a database without a log.
        assert!(!note(0));
        assert!(!note(CHECKPOINT_PAGES + 2));
        // The log began anew.
        assert!(!note(1));
        assert!(note(CHECKPOINT_PAGES));
    }

    /// Pages in the log and in the file.
    fn pages(connection: &Connection) -> (u32, u32) {
        LOG_PAGES.set(0);
        connection.execute_batch("INSERT INTO t VALUES (zeroblob(9000))").unwrap();
        let in_file = std::fs::metadata(connection.path().unwrap()).unwrap().len() / 4_096;
        (LOG_PAGES.get(), u32::try_from(in_file).unwrap())
    }

    #[test]
    fn a_log_that_cannot_be_emptied_is_not_looked_at_after_each_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (x)",
            )
            .unwrap();
        watch_log(&connection);
        let shared = shared();
        let grow = |connection: &Connection| {
            connection.execute_batch("INSERT INTO t VALUES (zeroblob(3000000))").unwrap();
            shared.note_commit()
        };
        // Looked at too early, nothing happens.
        shared.checkpoint_if_due(&connection);
        assert!(!grow(&connection));
        assert!(grow(&connection));
        assert_eq!(pages(&connection).1, 1, "SQLite itself moved nothing");
        shared.checkpoint_if_due(&connection);
        let (log, file) = pages(&connection);
        assert!(log < 10, "the log began anew, it has {log} pages");
        assert!(file > 1_000);
        shared.note_commit();

        // A reader keeps the log from beginning anew.
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        assert!(!grow(&connection));
        assert!(grow(&connection));
        shared.checkpoint_if_due(&connection);
        assert!(!grow(&connection));
        assert!(grow(&connection), "the next thousand pages");
        shared.checkpoint_if_due(&connection);
        drop(reader);
    }
}
