//! The connection that writes, which the writer shares with whoever finds it free.

use std::sync::{
    Arc, Mutex, MutexGuard, TryLockError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use rusqlite::Connection;

use crate::lock::lock;

/// A connection, and who may have it.
#[derive(Clone)]
pub(crate) struct Shared(Arc<State>);

struct State {
    connection: Mutex<Connection>,
    /// How many requests the writer has not begun with. While there are any, nobody else takes
    /// the connection, so that nobody is overtaken for ever.
    waiting: AtomicUsize,
    /// Whether what the writer committed last was the work of several callers.
    is_contended: AtomicBool,
}

impl Shared {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(Arc::new(State {
            connection: Mutex::new(connection),
            waiting: AtomicUsize::new(0),
            is_contended: AtomicBool::new(false),
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

    /// Whether several callers write at a time. They share commits if they leave the connection to
    /// the writer, even where it is free at the moment.
    pub(crate) fn is_contended(&self) -> bool {
        self.0.is_contended.load(Ordering::Relaxed)
    }

    /// Notes how many callers' work is about to be committed together.
    pub(crate) fn note_callers(&self, callers: usize) {
        self.0.is_contended.store(callers > 1, Ordering::Relaxed);
    }

    /// Waits for the connection; only the writer does.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        lock(&self.0.connection)
    }

    /// What a request carries until the writer begins with it.
    pub(crate) fn ticket(&self) -> Ticket {
        self.0.waiting.fetch_add(1, Ordering::AcqRel);
        Ticket(self.clone())
    }
}

/// Marks a request that waits for the writer.
pub(crate) struct Ticket(Shared);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
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
}
