//! Forgetting what a write may have changed, once it is done, also when nobody waits for it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::maybe_send::{BoxFuture, MaybeSend};

/// A write, and what is to be done once it has ended, whichever way.
///
/// An engine may go on with a write that nobody waits for any more. What it changes then must be
/// forgotten after that, and not before: so a write that is dropped half way is waited for on a task
/// of its own.
pub(super) struct Writing<R: MaybeSend + 'static> {
    work: Option<BoxFuture<'static, R>>,
    has_begun: bool,
    forget: Option<Forget<R>>,
}

/// Forgets what the write has changed, which gave this, or of which nobody knows what it gave.
pub(super) type Forget<R> = Box<dyn FnOnce(Option<&R>) + Send>;

impl<R: MaybeSend + 'static> Writing<R> {
    pub(super) fn new(
        work: impl Future<Output = R> + MaybeSend + 'static,
        forget: impl FnOnce(Option<&R>) + Send + 'static,
    ) -> Self {
        Self { work: Some(Box::pin(work)), has_begun: false, forget: Some(Box::new(forget)) }
    }
}

impl<R: MaybeSend + 'static> Unpin for Writing<R> {}

impl<R: MaybeSend + 'static> Future for Writing<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        self.has_begun = true;
        let Some(work) = &mut self.work else { return Poll::Pending };
        let Poll::Ready(result) = work.as_mut().poll(context) else { return Poll::Pending };
        self.work = None;
        if let Some(forget) = self.forget.take() {
            forget(Some(&result));
        }
        Poll::Ready(result)
    }
}

impl<R: MaybeSend + 'static> Drop for Writing<R> {
    fn drop(&mut self) {
        let (Some(work), Some(forget)) = (self.work.take(), self.forget.take()) else { return };
        if !self.has_begun {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            drop(work);
            return forget(None);
        };
        runtime.spawn(async move {
            let result = work.await;
            forget(Some(&result));
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use futures::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_is_dropped_half_way_is_forgotten_once_it_is_done() {
        let (finish, finished) = oneshot::channel::<()>();
        let (told, tell) = oneshot::channel();
        let mut writing = Box::pin(Writing::new(finished, move |_| told.send(()).unwrap()));
        assert!((&mut writing).now_or_never().is_none());
        drop(writing);
        let mut tell = Box::pin(tell);
        tokio::task::yield_now().await;
        assert!((&mut tell).now_or_never().is_none(), "it is not done yet");
        finish.send(()).unwrap();
        tell.await.unwrap();
    }

    #[tokio::test]
    async fn what_never_began_is_not_done() {
        let is_forgotten = Arc::new(AtomicBool::new(false));
        let note = Arc::clone(&is_forgotten);
        drop(Writing::new(async {}, move |_| note.store(true, Ordering::Relaxed)));
        tokio::task::yield_now().await;
        assert!(!is_forgotten.load(Ordering::Relaxed));
    }
}
