//! The thread that writes.
//!
//! It takes everything that waits in its queue at once and commits it together, and lends itself
//! to one interactive transaction at a time. In a database of one connection it also does the
//! reads that could not be done at once.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;
use rusqlite::Connection;
use storehouse_runtime::{Error, Result};
use tokio::sync::oneshot;

use crate::{
    changes::watch::Changes,
    checkpoints::Checkpoints,
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
    changes: Arc<Changes>,
    checkpoints: Arc<Checkpoints>,
}

impl Writer {
    pub(crate) fn new(
        requests: Receiver<Queued>,
        busy_timeout: Duration,
        changes: Arc<Changes>,
        checkpoints: Arc<Checkpoints>,
    ) -> Self {
        Self { requests, waiting: VecDeque::new(), busy_timeout, changes, checkpoints }
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
                shared.note_callers(jobs.len());
                group::run(&connection, &mut jobs);
            }
            self.changes.committed();
            // After the answers: nobody waits for it.
            self.checkpoints.note_commit();
            self.checkpoints.run(&connection);
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

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;

    use super::*;
    use crate::job::{Weight, job};

    const PATIENCE: Duration = Duration::from_secs(5);

    struct Queue {
        writer: Writer,
        requests: crossbeam_channel::Sender<Queued>,
        shared: Shared,
    }

    impl Queue {
        fn new(busy_timeout: Duration) -> Self {
            let (requests, queue) = unbounded();
            let shared = Shared::new(Connection::open_in_memory().unwrap());
            let writer = Writer::new(queue, busy_timeout, Arc::default(), Arc::default());
            Self { writer, requests, shared }
        }

        fn queued(&self, request: Request) -> Queued {
            Queued { request, since: Instant::now(), _ticket: self.shared.ticket() }
        }

        fn send(&self, request: Request) {
            self.requests.send(self.queued(request)).ok().unwrap();
        }

        fn gather(&mut self) -> usize {
            let mut jobs = Vec::new();
            let first = self.requests_first();
            self.writer.gather(&self.shared.lock(), first, &mut jobs);
            jobs.len()
        }

        fn requests_first(&mut self) -> Queued {
            self.writer
                .waiting
                .pop_front()
                .or_else(|| self.writer.requests.try_recv().ok())
                .unwrap()
        }
    }

    fn write() -> Request {
        Request::Write(job(Weight::OneStatement, |_| Ok(())).0)
    }

    #[test]
    fn what_waits_is_gathered_up_to_a_transaction() {
        let mut queue = Queue::new(Duration::ZERO);
        let (read, answer) = job(Weight::OneStatement, |_| Ok("read"));
        for request in [
            write(),
            Request::Checkpoint,
            Request::Read(read),
            write(),
            Request::Begin(oneshot::channel().0),
            write(),
        ] {
            queue.send(request);
        }
        assert_eq!(queue.gather(), 2);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(answer.wait()).unwrap(), "read");
        // The transaction comes next, before what was asked for after it.
        assert!(matches!(queue.requests_first().request, Request::Begin(_)));
        assert_eq!(queue.gather(), 1);
        assert!(queue.shared.try_lock().is_some(), "nobody waits any more");
    }

    #[test]
    fn a_group_is_bounded() {
        let mut queue = Queue::new(Duration::ZERO);
        for _ in 0..=MOST {
            queue.send(write());
        }
        assert_eq!(queue.gather(), MOST);
        assert_eq!(queue.gather(), 1);
    }

    #[test]
    fn only_who_is_late_is_refused() {
        let mut queue = Queue::new(PATIENCE);
        let opened = Instant::now();
        let late = opened.checked_sub(PATIENCE).unwrap();
        for since in [late, late, opened] {
            let queued = Queued { since, ..queue.queued(write()) };
            queue.writer.waiting.push_back(queued);
        }
        let next = queue.writer.refuse_late(opened);
        assert_eq!(next, Some(opened + PATIENCE));
        assert_eq!(queue.writer.waiting.len(), 1);

        queue.writer.busy_timeout = Duration::MAX;
        assert_eq!(queue.writer.refuse_late(opened), None);
        assert_eq!(queue.writer.waiting.len(), 1);
    }
}
