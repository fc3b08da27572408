//! Connections for short reads, which run on their caller's own thread: reads by key, and queries
//! for as long as they are short. One that turns out to be long takes its connection along.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, MutexGuard, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rusqlite::Connection;
use storehouse_runtime::Result;

use crate::{lock::lock, patience::Patience, read::ReadTransaction, readers::Place};

/// Connections for whoever calls. Each is opened when it is first needed.
pub(crate) struct InlineReaders {
    slots: Box<[Mutex<Option<Box<Reader>>>]>,
    /// Those that came back after another was opened in their place.
    spare: Mutex<Vec<Reader>>,
    /// How many connections were taken along.
    away: AtomicUsize,
    place: Arc<Place>,
}

/// A connection, and how long a statement on it may take.
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) patience: Patience,
}

impl InlineReaders {
    pub(crate) fn new(place: Arc<Place>) -> Self {
        let slots = (0..place.options.readers).map(|_| Mutex::default()).collect();
        Self { slots, spare: Mutex::default(), away: AtomicUsize::new(0), place }
    }

    /// Calls `read` with a connection that nobody else uses meanwhile.
    pub(crate) fn with<R>(&self, read: impl FnOnce(&Connection) -> Result<R>) -> Result<R> {
        let (_, mut slot) = self.try_lock().unwrap_or_else(|| {
            let own = self.own_place();
            (own, lock(&self.slots[own]))
        });
        read(&self.fill(&mut slot)?.connection)
    }

    /// Calls `query` with a reader that nobody else uses meanwhile, and takes the connection along
    /// where the query goes on. Where none is free, it did not begin.
    pub(crate) fn begin(
        self: &Arc<Self>,
        query: impl FnOnce(&Reader) -> Result<Begun>,
    ) -> Result<Progress> {
        if self.away.load(Ordering::Relaxed) >= self.slots.len() {
            return Ok(Progress::NotBegun);
        }
        let Some((place, mut slot)) = self.try_lock() else { return Ok(Progress::NotBegun) };
        Ok(match query(self.fill(&mut slot)?)? {
            Begun::Done => Progress::Done,
            Begun::Again => Progress::NotBegun,
            Begun::GoesOn => {
                self.away.fetch_add(1, Ordering::Relaxed);
                let readers = Arc::clone(self);
                Progress::GoesOn(Away { reader: slot.take(), slot: place, readers })
            }
        })
    }

    fn fill<'s>(&self, slot: &'s mut Option<Box<Reader>>) -> Result<&'s Reader> {
        let reader = match slot.take().or_else(|| lock(&self.spare).pop().map(Box::new)) {
            Some(reader) => reader,
            None => Box::new(Reader::open(&self.place)?),
        };
        Ok(slot.insert(reader))
    }

    /// The slot of this thread, or else one that is free.
    fn try_lock(&self) -> Option<(usize, MutexGuard<'_, Option<Box<Reader>>>)> {
        let (count, own) = (self.slots.len(), self.own_place());
        (own..count).chain(0..own).find_map(|place| match self.slots[place].try_lock() {
            Ok(slot) => Some((place, slot)),
            // A panic in a reader resets its statement and does the connection no harm.
            Err(TryLockError::Poisoned(poisoned)) => Some((place, poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        })
    }

    fn own_place(&self) -> usize {
        thread_number() % self.slots.len()
    }
}

impl Reader {
    fn open(place: &Place) -> Result<Self> {
        let connection = place.open()?;
        let patience = Patience::of(&connection)?;
        Ok(Self { connection, patience })
    }
}

/// How far a query came with a connection.
pub(crate) enum Begun {
    Done,
    /// It gave nothing yet, and is to begin again.
    Again,
    /// It gave rows, and goes on in the transaction that it left open.
    GoesOn,
}

/// How far a query came on its caller's thread.
pub(crate) enum Progress {
    Done,
    NotBegun,
    GoesOn(Away),
}

/// A connection that was taken along, with a transaction that began on its caller's thread. It
/// comes back when this is dropped.
pub(crate) struct Away {
    reader: Option<Box<Reader>>,
    slot: usize,
    readers: Arc<InlineReaders>,
}

impl Away {
    pub(crate) fn connection(&self) -> Option<&Connection> {
        self.reader.as_ref().map(|reader| &reader.connection)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            drop(ReadTransaction::resumed(&reader.connection));
            // What could not be ended is closed.
            if reader.connection.is_autocommit() {
                let mut slot = lock(&self.readers.slots[self.slot]);
                if slot.is_none() {
                    *slot = Some(reader);
                } else {
                    lock(&self.readers.spare).push(*reader);
                }
            }
        }
        self.readers.away.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Numbers the threads that read, so that each comes back to the connection that knows its
/// statements.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::options::SqliteOptions;

    fn readers(folder: &tempfile::TempDir, readers: usize) -> Arc<InlineReaders> {
        let path = folder.path().join("inline.db");
        let options = SqliteOptions::new(&path).readers(readers);
        Arc::new(InlineReaders::new(Arc::new(Place { path, options })))
    }

    #[test]
    fn a_thread_keeps_its_number() {
        let number = thread_number();
        assert_eq!(thread_number(), number);
        assert_ne!(thread::spawn(thread_number).join().unwrap(), number);
    }

    #[test]
    fn a_thread_comes_back_to_its_connection_and_takes_another_when_that_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let readers = readers(&folder, 2);
        for _ in 0..6 {
            let readers = Arc::clone(&readers);
            let thread = thread::spawn(move || {
                let own = thread_number() % 2;
                let slot = |slot: &Mutex<_>| slot.try_lock().is_ok();
                let first = readers.try_lock();
                assert!(!slot(&readers.slots[own]) && slot(&readers.slots[1 - own]));
                let second = readers.try_lock();
                assert!(!slot(&readers.slots[1 - own]));
                assert!(readers.try_lock().is_none());
                drop((first, second));
            });
            thread.join().unwrap();
        }
    }
}
