//! An opened database: its writer, its readers, and the ways to them.

use std::{
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Sender, unbounded};
use rusqlite::Connection;
use storehouse_runtime::{EngineId, Error, Result};
use tokio::sync::oneshot;

use crate::{
    connection::{add_functions, open_writer},
    error,
    job::{Answer, Job, Session, Weight, job},
    lease::Commands,
    options::SqliteOptions,
    readers::{Readers, join},
    table::Tables,
    writer::{Queued, Request, Shared, Writer},
};

/// An opened database. Dropping it waits for the threads to finish what they do, and closes it.
pub(crate) struct Engine {
    pub(crate) id: EngineId,
    pub(crate) tables: Tables,
    /// Whether the database outlives the process.
    pub(crate) is_file: bool,
    reads: Reads,
    /// None only while the engine is dropped.
    requests: Option<Sender<Queued>>,
    writer: Option<JoinHandle<()>>,
}

/// Where reads run.
enum Reads {
    /// On connections of their own, beside the writer.
    Beside(Box<Readers>),
    /// On the one connection that there is, between the writer's transactions.
    Shared(Shared),
}

impl Engine {
    /// Opens a database. The work is done by the thread that will write, since it can take long.
    pub(crate) async fn open(options: SqliteOptions) -> Result<Self> {
        let (reply, opened) = oneshot::channel();
        let (requests, queue) = unbounded();
        let writer = Writer::new(queue, options.busy_timeout);
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
        let reads = match &options.path {
            Some(path) => Reads::Beside(Box::new(Readers::new(path, options.clone()))),
            None => Reads::Shared(shared),
        };
        let is_file = options.path.is_some();
        Ok(Self::new(reads, is_file, requests, thread))
    }

    /// Takes over a connection that the caller opened.
    pub(crate) fn from_connection(connection: Connection) -> Result<Self> {
        if !connection.is_autocommit() {
            return Err(Error::validation(
                "the connection has an open transaction; commit it or roll it back first",
            ));
        }
        add_functions(&connection)?;
        let milliseconds = connection
            .pragma_query_value(None, "busy_timeout", |row| row.get::<_, u32>(0))
            .map_err(error::of_database)?;
        let busy_timeout = Duration::from_millis(u64::from(milliseconds));
        let is_file = connection.path().is_some_and(|path| !path.is_empty());
        let shared = Shared::new(connection);
        let (requests, queue) = unbounded();
        let writer = Writer::new(queue, busy_timeout);
        let reads = Reads::Shared(shared.clone());
        let thread = spawn_writer(move || writer.run(&shared))?;
        Ok(Self::new(reads, is_file, requests, thread))
    }

    fn new(reads: Reads, is_file: bool, requests: Sender<Queued>, writer: JoinHandle<()>) -> Self {
        Self {
            id: EngineId::new(),
            tables: Tables::default(),
            is_file,
            reads,
            requests: Some(requests),
            writer: Some(writer),
        }
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
        match &self.reads {
            Reads::Beside(readers) => {
                readers.inline.with(|connection| read(&Session::inline(connection)))
            }
            Reads::Shared(shared) => {
                if let Some(connection) = shared.try_lock() {
                    return read(&Session::inline(&connection));
                }
                self.read(read).await
            }
        }
    }

    /// Reads on another thread.
    pub(crate) async fn read<R, F>(&self, read: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
    {
        let (job, answer) = job(Weight::OneStatement, read);
        match &self.reads {
            Reads::Beside(readers) => readers.threads.submit(job),
            Reads::Shared(_) => {
                self.id.check_may_wait()?;
                self.submit(Request::Read(job))?;
            }
        }
        answer.wait().await
    }

    /// Writes in a transaction, with others that write at the same time.
    pub(crate) async fn write<R, F>(&self, weight: Weight, write: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
    {
        self.id.check_may_wait()?;
        let (job, answer): (Box<dyn Job>, Answer<R>) = job(weight, write);
        self.submit(Request::Write(job))?;
        answer.wait().await
    }

    /// Begins a transaction of several calls.
    pub(crate) async fn begin(&self) -> Result<Commands> {
        self.id.check_may_wait()?;
        let (reply, begun) = oneshot::channel();
        self.submit(Request::Begin(reply))?;
        begun.await.map_err(|_| thread_failed(None))?
    }

    fn submit(&self, request: Request) -> Result<()> {
        let queued = Queued { request, since: Instant::now() };
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
