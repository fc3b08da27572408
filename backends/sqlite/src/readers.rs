//! Connections that read beside the writer: some for whoever calls, some with threads of their
//! own. Each is opened when it is first needed.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use storehouse_runtime::{Error, Result};

use crate::{connection::open_reader, job::Job, job_queue::JobQueue, options::SqliteOptions};

/// The connections that read.
pub(crate) struct Readers {
    pub(crate) inline: InlineReaders,
    pub(crate) threads: ReaderThreads,
}

impl Readers {
    pub(crate) fn new(path: &Path, options: SqliteOptions) -> Self {
        let place = Arc::new(Place { path: path.to_owned(), options });
        Self { inline: InlineReaders::new(Arc::clone(&place)), threads: ReaderThreads::new(place) }
    }
}

/// Where connections are opened, and how.
struct Place {
    path: PathBuf,
    options: SqliteOptions,
}

impl Place {
    fn open(&self) -> Result<Connection> {
        open_reader(&self.path, &self.options)
    }
}

/// Connections for reads by key, which take no longer than a few microseconds and so run on the
/// caller's own thread.
pub(crate) struct InlineReaders {
    slots: Box<[Mutex<Option<Connection>>]>,
    place: Arc<Place>,
}

impl InlineReaders {
    fn new(place: Arc<Place>) -> Self {
        let slots = (0..place.options.readers).map(|_| Mutex::default()).collect();
        Self { slots, place }
    }

    /// Calls `read` with a connection that nobody else uses meanwhile.
    pub(crate) fn with<R>(&self, read: impl FnOnce(&Connection) -> Result<R>) -> Result<R> {
        let mut slot = self.lock();
        if slot.is_none() {
            *slot = Some(self.place.open()?);
        }
        match &*slot {
            Some(connection) => read(connection),
            None => Err(Error::closed("the connection was closed")),
        }
    }

    /// The slot of this thread, or else one that is free, or else waits for that of this thread.
    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        let own = thread_number() % self.slots.len();
        let (before, from_own) = self.slots.split_at(own);
        for slot in from_own.iter().chain(before) {
            match slot.try_lock() {
                Ok(slot) => return slot,
                // A panic in a reader resets its statement and does the connection no harm.
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        self.slots[own].lock().unwrap_or_else(PoisonError::into_inner)
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

/// Threads for longer reads.
pub(crate) struct ReaderThreads {
    queue: Arc<JobQueue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    place: Arc<Place>,
}

impl ReaderThreads {
    fn new(place: Arc<Place>) -> Self {
        Self { queue: Arc::default(), threads: Mutex::default(), place }
    }

    /// Queues a job, and starts a thread for it where no other is free for it.
    pub(crate) fn submit(&self, job: Box<dyn Job>) {
        if !self.queue.push(job) {
            self.start_thread();
        }
    }

    fn start_thread(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if threads.len() >= self.place.options.readers {
            return;
        }
        let (queue, place) = (Arc::clone(&self.queue), Arc::clone(&self.place));
        let thread = thread::Builder::new()
            .name("sqlite-reader".to_owned())
            .spawn(move || serve(&queue, &place));
        match thread {
            Ok(thread) => threads.push(thread),
            Err(error) => tracing::warn!(
                target: "storehouse", %error, "a thread that reads could not be started"
            ),
        }
    }
}

/// Waits for the threads, so that the file is closed afterwards.
impl Drop for ReaderThreads {
    fn drop(&mut self) {
        self.queue.close();
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        threads.drain(..).for_each(join);
    }
}

/// Waits for a thread, unless it is this one.
pub(crate) fn join(thread: JoinHandle<()>) {
    if thread.thread().id() != thread::current().id() {
        // A panic in it was reported where it happened.
        let _ = thread.join();
    }
}

fn serve(queue: &JobQueue, place: &Place) {
    let mut connection = None;
    while let Some(mut job) = queue.pop() {
        if !job.is_wanted() {
            continue;
        }
        if connection.is_none() {
            match place.open() {
                Ok(opened) => connection = Some(opened),
                Err(error) => {
                    job.answer(Some(error));
                    continue;
                }
            }
        }
        if let Some(connection) = &connection {
            job.run(connection, false);
            job.answer(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::job::{Weight, job};

    fn place(folder: &tempfile::TempDir, readers: usize) -> Arc<Place> {
        let path = folder.path().join("readers.db");
        let options = SqliteOptions::new(&path).readers(readers);
        Arc::new(Place { path, options })
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
        let readers = Arc::new(InlineReaders::new(place(&folder, 2)));
        for _ in 0..6 {
            let readers = Arc::clone(&readers);
            let thread = thread::spawn(move || {
                let own = thread_number() % 2;
                let slot = |slot: &Mutex<_>| slot.try_lock().is_ok();
                let first = readers.lock();
                assert!(!slot(&readers.slots[own]) && slot(&readers.slots[1 - own]));
                let second = readers.lock();
                assert!(!slot(&readers.slots[1 - own]));
                drop((first, second));
            });
            thread.join().unwrap();
        }
    }

    #[test]
    fn threads_are_started_when_needed_and_no_more_than_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let threads = ReaderThreads::new(place(&folder, 2));
        let started = || threads.threads.lock().unwrap().len();
        let (tell, told) = mpsc::channel();
        let submit = |wait_for: Option<mpsc::Receiver<()>>| {
            let tell = tell.clone();
            let (job, answer) = job(Weight::OneStatement, move |session| {
                session.connection.execute_batch("SELECT 1").unwrap();
                tell.send(()).unwrap();
                let _ = wait_for.map(|wait_for| wait_for.recv());
                Ok(())
            });
            threads.submit(job);
            answer
        };
        let idle = |wanted| {
            while threads.queue.idle() != wanted {
                thread::yield_now();
            }
        };
        assert_eq!(started(), 0);
        let mut answers = vec![submit(None)];
        told.recv().unwrap();
        idle(1);
        answers.push(submit(None));
        told.recv().unwrap();
        assert_eq!(started(), 1, "the first thread was free");
        idle(1);
        let mut gates = Vec::new();
        for expected in [1, 2, 2] {
            let (gate, wait_for) = mpsc::channel();
            gates.push(gate);
            answers.push(submit(Some(wait_for)));
            if expected == gates.len() {
                told.recv().unwrap();
                idle(0);
            }
            assert_eq!(started(), expected);
        }
        drop(gates);
        told.recv().unwrap();
        drop(threads);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_told_to_the_caller() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Arc::new(Place {
            path: folder.path().join("no").join("such.db"),
            options: SqliteOptions::new("unused").readers(1),
        });
        let inline = InlineReaders::new(Arc::clone(&missing));
        let error = inline.with(|_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("cannot open the file"), "{error}");
        let threads = ReaderThreads::new(missing);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..2 {
            let (job, answer) = job(Weight::OneStatement, |_| Ok(()));
            threads.submit(job);
            let error = runtime.block_on(answer.wait()).unwrap_err();
            assert!(error.to_string().contains("cannot open the file"), "{error}");
        }
    }
}
