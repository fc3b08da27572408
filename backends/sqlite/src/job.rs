//! Work that travels to a connection, and the answer that travels back.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
};

use rusqlite::Connection;
use storehouse_runtime::{Error, Result};
use tokio::sync::oneshot;

/// What an operation works with.
pub(crate) struct Session<'a> {
    pub(crate) connection: &'a Connection,
    /// Whether the transaction holds the work of others, which must not be undone.
    pub(crate) is_shared: bool,
    is_wanted: &'a dyn Fn() -> bool,
}

impl<'a> Session<'a> {
    /// Work that its caller does by itself.
    pub(crate) fn inline(connection: &'a Connection) -> Self {
        Self { connection, is_shared: false, is_wanted: &|| true }
    }

    /// The same work on another connection.
    pub(crate) fn on<'b>(&self, connection: &'b Connection) -> Session<'b>
    where
        'a: 'b,
    {
        Session { connection, ..*self }
    }

    /// Whether the caller still waits for the answer.
    pub(crate) fn is_wanted(&self) -> bool {
        (self.is_wanted)()
    }
}

/// How much there is to undo when a piece of work fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// One statement, which undoes itself.
    OneStatement,
    /// Several statements, which a savepoint holds together.
    Several,
}

/// A piece of work in a queue. It is run, and answered once it is lasting.
pub(crate) trait Job: Send {
    /// Whether its caller still waits for it.
    fn is_wanted(&self) -> bool;
    /// How much there is to undo when it fails.
    fn weight(&self) -> Weight;
    /// Runs it and keeps the result. A panic is kept too, and goes on in the caller.
    fn run(&mut self, connection: &Connection, is_shared: bool);
    /// Whether it ran and failed.
    fn has_failed(&self) -> bool;
    /// Answers with the result, or with `error` in place of a success.
    fn answer(self: Box<Self>, error: Option<Error>);
}

/// A job that is a closure.
struct Task<R, F> {
    work: Option<F>,
    weight: Weight,
    result: Option<thread::Result<Result<R>>>,
    reply: oneshot::Sender<thread::Result<Result<R>>>,
}

/// The answer to a job, once it is there.
pub(crate) struct Answer<R>(oneshot::Receiver<thread::Result<Result<R>>>);

/// Makes a job of a closure.
pub(crate) fn job<R, F>(weight: Weight, work: F) -> (Box<dyn Job>, Answer<R>)
where
    R: Send + 'static,
    F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Task { work: Some(work), weight, result: None, reply }), Answer(answer))
}

impl<R> Answer<R> {
    /// Waits for the job. A panic in it goes on here.
    pub(crate) async fn wait(self) -> Result<R> {
        match self.0.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(Error::closed(
                "what the operation was for has ended, the transaction or the database; \
                 nothing of it was done",
            )),
        }
    }
}

impl<R, F> Job for Task<R, F>
where
    R: Send,
    F: FnOnce(&Session<'_>) -> Result<R> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn weight(&self) -> Weight {
        self.weight
    }

    fn run(&mut self, connection: &Connection, is_shared: bool) {
        let Some(work) = self.work.take() else { return };
        let is_wanted = || !self.reply.is_closed();
        let session = Session { connection, is_shared, is_wanted: &is_wanted };
        self.result = Some(catch_unwind(AssertUnwindSafe(|| work(&session))));
    }

    fn has_failed(&self) -> bool {
        matches!(self.result, Some(Ok(Err(_)) | Err(_)))
    }

    fn answer(self: Box<Self>, error: Option<Error>) {
        let answer: Result<Result<R>, Box<dyn Any + Send>> = match (self.result, error) {
            (Some(Ok(Ok(_))) | None, Some(error)) => Ok(Err(error)),
            (Some(result), _) => result,
            // It was passed over because nobody waits for it.
            (None, None) => return,
        };
        // Whoever does not wait any more needs no answer.
        let _ = self.reply.send(answer);
    }
}
