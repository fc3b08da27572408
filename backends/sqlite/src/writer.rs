//! The thread that writes.
//!
//! It takes everything that waits in its queue at once and commits it together, and lends itself
//! to one interactive transaction at a time. In a database of one connection it also does the
//! reads that could not be done at once.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;
use rusqlite::Connection;
use storehouse_runtime::{Error, Result};
use tokio::sync::oneshot;

use crate::{
    group,
    job::Job,
    lease::Commands,
    shared::{Shared, Ticket},
};

/// The most requests that are committed together, so that the first need not wait for ever.
const MOST: usize = 512;

/// What is asked of the writer.
pub(crate) enum Request {
    /// A read, outside any transaction.
    Read(Box<dyn Job>),
    /// A write, in a transaction with others.
    Write(Box<dyn Job>),
    /// A transaction of several calls.
    Begin(oneshot::Sender<Result<Commands>>),
    /// A look at the log, which somebody else made long.
    Checkpoint,
}

/// A request and when it was made.
pub(crate) struct Queued {
    pub(crate) request: Request,
    pub(crate) since: Instant,
    /// Says that the request waits; dropped when the writer begins with it.
    pub(crate) _ticket: Ticket,
}

/// The writer's state.
pub(crate) struct Writer {
    pub(crate) requests: Receiver<Queued>,
    /// Taken from the queue, but not yet served.
    pub(crate) waiting: VecDeque<Queued>,
    /// How long a request waits for an open transaction.
    pub(crate) busy_timeout: Duration,
}

impl Writer {
    pub(crate) fn new(requests: Receiver<Queued>, busy_timeout: Duration) -> Self {
        Self { requests, waiting: VecDeque::new(), busy_timeout }
    }

    /// Serves requests until nobody can make one.
    pub(crate) fn run(mut self, shared: &Shared) {
        let mut jobs = Vec::new();
        while let Some(queued) = self.waiting.pop_front().or_else(|| self.requests.recv().ok()) {
            let connection = shared.lock();
            if let Queued { request: Request::Begin(reply), .. } = queued {
                self.lease(&connection, reply);
            } else {
                self.gather(&connection, queued, &mut jobs);
                group::run(&connection, &mut jobs);
            }
            // After the answers: nobody waits for it.
            shared.note_commit();
            shared.checkpoint_if_due(&connection);
        }
    }

    /// Gathers the writes that are there, and does the reads among them at once, since no
    /// transaction is open yet.
    fn gather(&mut self, connection: &Connection, first: Queued, jobs: &mut Vec<Box<dyn Job>>) {
        let mut next = Some(first);
        while let Some(queued) = next {
            match queued.request {
                Request::Write(job) => jobs.push(job),
                Request::Read(mut job) => {
                    if job.is_wanted() {
                        job.run(connection, false);
                    }
                    job.answer(None);
                }
                Request::Begin(_) => return self.waiting.push_front(queued),
                Request::Checkpoint => {}
            }
            if jobs.len() >= MOST {
                return;
            }
            next = self.waiting.pop_front().or_else(|| self.requests.try_recv().ok());
        }
    }

    /// Tells those who waited too long for a transaction that was opened at `opened`, and says
    /// when the next will have.
    pub(crate) fn refuse_late(&mut self, opened: Instant) -> Option<Instant> {
        let now = Instant::now();
        while let Some(first) = self.waiting.front() {
            let until = first.since.checked_add(self.busy_timeout)?;
            if until > now {
                return Some(until);
            }
            if let Some(late) = self.waiting.pop_front() {
                late.request.refuse(busy(now - opened));
            }
        }
        None
    }
}

impl Request {
    fn refuse(self, error: Error) {
        match self {
            Self::Read(job) | Self::Write(job) => job.answer(Some(error)),
            Self::Begin(reply) => drop(reply.send(Err(error))),
            Self::Checkpoint => {}
        }
    }
}

fn busy(open_for: Duration) -> Error {
    Error::busy(format!(
        "a transaction has been open for {open_for:.1?}, and this waits for its end; \
         an operation that belongs to it must join it with `handle.in_tx(&tx)`, \
         otherwise keep the transaction short or wait longer with a greater `busy_timeout`"
    ))
}
