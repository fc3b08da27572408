//! An opened database: its writer, its readers, and the ways to them.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Sender, unbounded};
use rusqlite::Connection;
use storehouse_runtime::{EngineId, Error, Result, RowSink};
use tokio::sync::oneshot;

use crate::{
    changes::watch::Changes,
    checkpoints::Checkpoints,
    connection::{open_writer, prepare},
    error,
    group::run_at_once,
    job::{Answer, Session, Weight, job},
    job_queue::Urgency,
    lease::Commands,
    options::{SqliteOptions, Synchronous},
    query::Query,
    readers::{Readers, join},
    shared::Shared,
    table::Tables,
    writer::{Queued, Request, Writer},
};

/// An opened database. Dropping it waits for the threads to finish what they do, and closes it.
pub(crate) struct Engine {
    pub(crate) id: EngineId,
    pub(crate) tables: Tables,
    /// Whether the database outlives the process.
    pub(crate) is_file: bool,
    pub(crate) changes: Arc<Changes>,
    /// The connections that read beside the writer; none in a database of one connection.
    readers: Option<Arc<Readers>>,
    checkpoints: Arc<Checkpoints>,
    shared: Shared,
    /// Set where a commit does not wait for the disk, so that a short write need not be handed to
    /// another thread: how long the writer would wait for another process.
    at_once: Option<Duration>,
    /// None only while the engine is dropped.
    requests: Option<Sender<Queued>>,
    writer: Option<JoinHandle<()>>,
}

impl Engine {
    /// Opens a database. The work is done by the thread that will write, since it can take long.
    pub(crate) async fn open(options: SqliteOptions) -> Result<Self> {
        let (reply, opened) = oneshot::channel();
        let (requests, queue) = unbounded();
        let file = options.path.clone().map(|path| (path, options.clone()));
        let changes = Arc::new(Changes::new(file, options.change_retention));
        let path = options.path.as_deref();
        let readers = path.map(|path| Arc::new(Readers::new(path, options.clone())));
        let checkpoints = Arc::new(Checkpoints::new(readers.clone()));
        let writer = Writer::new(
            queue,
            options.busy_timeout,
            Arc::clone(&changes),
            Arc::clone(&checkpoints),
        );
        let open_options = options.clone();
        let thread = spawn_writer(move || {
            let shared = match open_writer(&open_options) {
                Ok(connection) => Shared::new(connection),
                Err(error) => return drop(reply.send(Err(error))),
            };
            if reply.send(Ok(shared.clone())).is_ok() {
                writer.run(&shared);
            }
        })?;
        let shared = opened.await.map_err(|_| thread_failed(None))??;
        let waits_for_disk = path.is_some() && options.synchronous == Synchronous::Full;
        Ok(Self {
            id: EngineId::new(),
            tables: Tables::default(),
            is_file: path.is_some(),
            changes,
            readers,
            checkpoints,
            shared,
            at_once: (!waits_for_disk).then_some(options.busy_timeout),
            requests: Some(requests),
            writer: Some(thread),
        })
    }

    /// Takes over a connection that the caller opened.
    pub(crate) fn from_connection(connection: Connection) -> Result<Self> {
        if !connection.is_autocommit() {
            return Err(Error::validation(
                "the connection has an open transaction; commit it or roll it back first",
            ));
        }
        prepare(&connection)?;
        let milliseconds = connection
            .pragma_query_value(None, "busy_timeout", |row| row.get::<_, u32>(0))
            .map_err(error::of_database)?;
        let busy_timeout = Duration::from_millis(u64::from(milliseconds));
        let is_file = connection.path().is_some_and(|path| !path.is_empty());
        let shared = Shared::new(connection);
        let (requests, queue) = unbounded();
        // How it was opened is not known, so nobody else opens it.
        let changes = Arc::<Changes>::default();
        // Nor how long its log is to be.
        let checkpoints = Arc::<Checkpoints>::default();
        let writer =
            Writer::new(queue, busy_timeout, Arc::clone(&changes), Arc::clone(&checkpoints));
        let of_writer = shared.clone();
        let thread = spawn_writer(move || writer.run(&of_writer))?;
        Ok(Self {
            id: EngineId::new(),
            tables: Tables::default(),
            is_file,
            changes,
            readers: None,
            checkpoints,
            shared,
            // How a file was set up is the caller's affair: its commits may wait for the disk.
            at_once: (!is_file).then_some(busy_timeout),
            requests: Some(requests),
            writer: Some(thread),
        })
    }

    /// Reads at once where a connection is free, which is nearly always. For work of a few
    /// microseconds.
    pub(crate) async fn read_inline<R, F>(&self, read: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
    {
        // Gives way from time to time, as a task should that never has to wait.
        tokio::task::consume_budget().await;
        if let Some(readers) = &self.readers {
            return readers.inline.with(|connection| read(&Session::inline(connection)));
        }
        if let Some(connection) = self.shared.try_lock() {
            return read(&Session::inline(&connection));
        }
        self.read(read).await
    }

    /// Runs a query: at once as long as it is short, and then on another thread.
    pub(crate) async fn query(&self, mut query: Query) -> Result<RowSink> {
        tokio::task::consume_budget().await;
        if let Some(readers) = &self.readers
            && query.begin(&readers.inline)?
        {
            return Ok(query.into_rows());
        }
        let urgency = query.urgency();
        self.read_when(urgency, move |session| query.run(session)).await
    }

    /// Reads on another thread.
    pub(crate) async fn read<R, F>(&self, read: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
    {
        self.read_when(Urgency::InTurn, read).await
    }

    async fn read_when<R, F>(&self, urgency: Urgency, read: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
    {
        let (job, answer) = job(Weight::OneStatement, read);
        if let Some(readers) = &self.readers {
            readers.threads.submit(job, urgency);
        } else {
            self.id.check_may_wait()?;
            self.submit(Request::Read(job))?;
        }
        answer.wait().await
    }

    /// Works on the connection that writes while nobody else does, outside of any transaction.
    pub(crate) async fn alone<R, F>(&self, work: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
    {
        self.id.check_may_wait()?;
        let (job, answer) = job(Weight::Several, work);
        // Such as a read of a database with one connection, which is in no transaction either.
        self.submit(Request::Read(job))?;
        answer.wait().await
    }

    /// Writes in a transaction, with others that write at the same time.
    pub(crate) async fn write<R, F>(&self, weight: Weight, write: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
    {
        self.id.check_may_wait()?;
        let (job, answer) = job(weight, write);
        self.submit(Request::Write(job))?;
        answer.wait().await
    }

    /// Writes at once where the writer has nothing to do and a commit does not wait for the disk:
    /// to wake another thread and be woken by it takes longer than the write.
    pub(crate) async fn write_inline<R, F>(&self, weight: Weight, mut write: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
    {
        tokio::task::consume_budget().await;
        // A commit to a file costs more than to wake the writer, if it is shared.
        if let Some(busy_timeout) = self.at_once
            && !(self.is_file && self.shared.is_contended())
            && let Some(connection) = self.shared.try_lock()
        {
            match run_at_once(&connection, busy_timeout, write) {
                Ok(done) => {
                    drop(connection);
                    self.changes.committed();
                    if self.checkpoints.note_commit() {
                        // The write is done, whether or not the writer hears of this.
                        let _ = self.submit(Request::Checkpoint);
                    }
                    return done;
                }
                Err(back) => write = back,
            }
        }
        self.write(weight, write).await
    }

    /// Has something written when it is its turn; it is left out if the answer is dropped before.
    pub(crate) fn write_later<R, F>(&self, write: F) -> Result<Answer<R>>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
    {
        let (job, answer) = job(Weight::Several, write);
        self.submit(Request::Write(job))?;
        Ok(answer)
    }

    /// Begins a transaction of several calls.
    pub(crate) async fn begin(&self) -> Result<Commands> {
        self.id.check_may_wait()?;
        let (reply, begun) = oneshot::channel();
        self.submit(Request::Begin(reply))?;
        begun.await.map_err(|_| thread_failed(None))?
    }

    fn submit(&self, request: Request) -> Result<()> {
        let queued = Queued { request, since: Instant::now(), _ticket: self.shared.ticket() };
        match &self.requests {
            Some(requests) => requests.send(queued).map_err(|_| thread_failed(None)),
            None => Err(thread_failed(None)),
        }
    }
}

/// Waits for the writer to finish what it does, so that the file is closed afterwards.
impl Drop for Engine {
    fn drop(&mut self) {
        self.requests = None;
        self.writer.take().into_iter().for_each(join);
    }
}

fn spawn_writer(work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = thread::Builder::new().name("sqlite-writer".to_owned()).spawn(work);
    thread.map_err(|error| thread_failed(Some(error)))
}

fn thread_failed(error: Option<std::io::Error>) -> Error {
    let source = error.map(|error| Box::new(error) as storehouse_runtime::Source);
    Error::backend("the thread that writes to the database cannot run", source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_does_not_wait_for_the_disk_is_done_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("at_once.db"));
        for (synchronous, at_once) in
            [(Synchronous::Off, true), (Synchronous::Normal, true), (Synchronous::Full, false)]
        {
            let engine = Engine::open(options.clone().synchronous(synchronous)).await.unwrap();
            assert_eq!(engine.at_once.is_some(), at_once);
            let memory = SqliteOptions::in_memory().synchronous(synchronous);
            assert!(Engine::open(memory).await.unwrap().at_once.is_some());
        }
        let connection = Connection::open(folder.path().join("own.db")).unwrap();
        assert!(Engine::from_connection(connection).unwrap().at_once.is_none());
        let connection = Connection::open_in_memory().unwrap();
        assert!(Engine::from_connection(connection).unwrap().at_once.is_some());
    }
}
