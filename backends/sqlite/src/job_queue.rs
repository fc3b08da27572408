//! Jobs that wait for whichever thread is free.
//!
//! Not a channel: the usual ones spin and yield for a while before they sleep. After a read that
//! is time on the core that the caller, just woken by the answer, would run on.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::{job::Job, lock::lock};

#[derive(Default)]
pub(crate) struct JobQueue {
    state: Mutex<State>,
    /// There is a job, or the queue is closed.
    changed: Condvar,
}

/// When a job is run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Urgency {
    InTurn,
    First,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    /// Threads that wait for a job.
    idle: usize,
    closed: bool,
}

impl JobQueue {
    /// Adds a job, and says whether a thread waits for it. One that keeps something from others
    /// meanwhile does not wait behind them.
    pub(crate) fn push(&self, job: Box<dyn Job>, urgency: Urgency) -> bool {
        let mut state = self.lock();
        match urgency {
            Urgency::InTurn => state.jobs.push_back(job),
            Urgency::First => state.jobs.push_front(job),
        }
        let is_awaited = state.jobs.len() <= state.idle;
        drop(state);
        self.changed.notify_one();
        is_awaited
    }

    /// Waits for a job. `None` once the queue is closed and every job of it was taken.
    pub(crate) fn pop(&self) -> Option<Box<dyn Job>> {
        let mut state = self.lock();
        state.idle += 1;
        while state.jobs.is_empty() && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idle -= 1;
        state.jobs.pop_front()
    }

    /// Ends the waiting.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    #[cfg(test)]
    pub(crate) fn idle(&self) -> usize {
        self.lock().idle
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}
