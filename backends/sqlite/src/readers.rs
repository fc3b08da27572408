//! Connections that read beside the writer: some for whoever calls, some with threads of their
//! own. Each is opened when it is first needed.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use storehouse_runtime::Result;

use crate::{
    connection::open_reader,
    inline::InlineReaders,
    job::Job,
    job_queue::{JobQueue, Urgency},
    lock::lock,
    options::SqliteOptions,
};

/// The connections that read.
pub(crate) struct Readers {
    pub(crate) inline: Arc<InlineReaders>,
    pub(crate) threads: ReaderThreads,
}

impl Readers {
    pub(crate) fn new(path: &Path, options: SqliteOptions) -> Self {
        let place = Arc::new(Place { path: path.to_owned(), options });
        let inline = Arc::new(InlineReaders::new(Arc::clone(&place)));
        Self { inline, threads: ReaderThreads::new(place) }
    }
}

/// Where connections are opened, and how.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) options: SqliteOptions,
}

impl Place {
    pub(crate) fn open(&self) -> Result<Connection> {
        open_reader(&self.path, &self.options)
    }
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
    pub(crate) fn submit(&self, job: Box<dyn Job>, urgency: Urgency) {
        if !self.queue.push(job, urgency) {
            self.start_thread();
        }
    }

    fn start_thread(&self) {
        let mut threads = lock(&self.threads);
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
            threads.submit(job, Urgency::InTurn);
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
            threads.submit(job, Urgency::InTurn);
            let error = runtime.block_on(answer.wait()).unwrap_err();
            assert!(error.to_string().contains("cannot open the file"), "{error}");
        }
    }
}
