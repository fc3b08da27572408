//! Which engine a task is in a transaction of.
//!
//! A task that waits for the writer while its own open transaction holds the writer would wait
//! for ever. While the body of `store.transaction(..)` is polled, the engine's id is noted for
//! this thread; an operation outside the transaction that would have to wait sees it and fails
//! with `Error::Deadlock` at once. It is exact: other tasks, and other futures of the same task,
//! are polled outside the body.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
};

use crate::error::{Error, Result};

thread_local! {
    static INSIDE: RefCell<Vec<EngineId>> = const { RefCell::new(Vec::new()) };
}

/// Identifies one opened database within the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EngineId(u64);

impl EngineId {
    /// An id that no other engine of this process has.
    #[expect(clippy::new_without_default, reason = "each id is new; there is no default one")]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Fails with [`Error::Deadlock`] when the caller is inside the body of a transaction of
    /// this engine. An engine calls this before it waits for a transaction to end.
    pub fn check_may_wait(self) -> Result<()> {
        if INSIDE.with_borrow(|inside| inside.contains(&self)) {
            Err(Error::deadlock())
        } else {
            Ok(())
        }
    }

    /// Notes the engine while `body` is polled.
    pub(crate) fn enter<F: Future>(self, body: F) -> impl Future<Output = F::Output> {
        Inside { engine: self, body: Box::pin(body) }
    }
}

struct Inside<F> {
    engine: EngineId,
    body: Pin<Box<F>>,
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        /// Takes the note back also when the body panics.
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                INSIDE.with_borrow_mut(Vec::pop);
            }
        }
        INSIDE.with_borrow_mut(|inside| inside.push(self.engine));
        let _leave = Leave;
        self.body.as_mut().poll(context)
    }
}
