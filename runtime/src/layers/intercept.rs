//! Doing the same around whichever operation: one method to implement, and the work that it is
//! given to start.

use std::{
    any::Any,
    future::{Future, ready},
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::call::Call;
use crate::{
    capabilities::Capabilities,
    codec::{ColumnSource, DecodeError},
    error::{Error, Result},
    maybe_send::{BoxFuture, MaybeSend, MaybeSync},
    storage::{RowReceiver, RowSink},
};

/// A layer that does the same around whichever operation. Every `Intercept` is a
/// [`Layer`](super::Layer).
///
/// Clones have to share what the layer remembers.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
/// use storehouse::{MaybeSend, Result, layers::{Call, Intercept, Work}};
/// use storehouse::prelude::*;
///
/// /// Counts what is done.
/// #[derive(Clone, Default)]
/// struct Count(Arc<AtomicUsize>);
///
/// impl Intercept for Count {
///     async fn around<'a, R: MaybeSend + 'a>(
///         &'a self,
///         call: Call<'a>,
///         mut work: impl Work<'a, R> + 'a,
///     ) -> Result<R> {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         work.start().await
///     }
/// }
///
/// #[derive(Table)]
/// struct Note {
///     #[table(key)]
///     id: i64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let count = Count::default();
/// let notes = storehouse::open("memory:").await?.layer(count.clone()).tabular::<Note>().await?;
/// notes.setup_database().await?;
/// notes.put(Note { id: 7 }).await?;
/// assert_eq!(count.0.load(Ordering::Relaxed), 2);
/// # Ok(())
/// # }
/// ```
pub trait Intercept: Clone + MaybeSend + MaybeSync + 'static {
    /// Whether it may start its work more than once. What an operation was given is then kept until
    /// it has ended.
    const REPEATS: bool = false;

    /// Whether it would do nothing around this call. The call is then forwarded as it is, which
    /// costs next to nothing.
    fn is_idle(&self, call: &Call<'_>) -> bool {
        let _ = call;
        false
    }

    /// What is left of what the backend can do.
    fn capabilities(&self, inner: Capabilities) -> Capabilities {
        inner
    }

    /// Runs one operation: starts `work`, once or, with [`Intercept::REPEATS`], again, or fails.
    ///
    /// Dropping the future of a start leaves the operation done or not done.
    fn around<'a, R: MaybeSend + 'a>(
        &'a self,
        call: Call<'a>,
        work: impl Work<'a, R> + 'a,
    ) -> impl Future<Output = Result<R>> + MaybeSend + 'a;
}

/// An operation that can be started, by whoever [intercepts](Intercept) it.
pub trait Work<'a, R>: MaybeSend {
    /// Starts the operation. Fails when it was started before and [`Intercept::REPEATS`] does not
    /// say that this can happen.
    fn start(&mut self) -> BoxFuture<'a, Result<R>>;

    /// Whether it can be started: with [`Intercept::REPEATS`] again and again, as long as nobody was
    /// given a row of what it reads; else once.
    fn can_start(&self) -> bool;
}

fn cannot_start<'a, R: MaybeSend + 'a>() -> BoxFuture<'a, Result<R>> {
    Box::pin(ready(Err(Error::backend(
        "a layer started an operation again that cannot be started twice; this is a bug in it",
        None,
    ))))
}

/// What an operation was given: kept where it may be needed again.
struct Given<A> {
    arguments: Option<A>,
    repeats: bool,
}

impl<A: Clone> Given<A> {
    const fn new<I: Intercept>(arguments: A) -> Self {
        Self { arguments: Some(arguments), repeats: I::REPEATS }
    }

    fn give(&mut self) -> Option<A> {
        if self.repeats { self.arguments.clone() } else { self.arguments.take() }
    }
}

/// An operation that gives an answer.
struct Calling<A, F> {
    given: Given<A>,
    start: F,
}

/// An operation with those arguments, that `start` starts.
pub(super) fn calling<'a, I, A, R>(
    arguments: A,
    start: impl FnMut(A) -> BoxFuture<'a, Result<R>> + MaybeSend + 'a,
) -> impl Work<'a, R> + 'a
where
    I: Intercept,
    A: Clone + MaybeSend + 'a,
    R: MaybeSend + 'a,
{
    Calling { given: Given::new::<I>(arguments), start }
}

impl<'a, A, R, F> Work<'a, R> for Calling<A, F>
where
    A: Clone + MaybeSend,
    R: MaybeSend + 'a,
    F: FnMut(A) -> BoxFuture<'a, Result<R>> + MaybeSend,
{
    fn start(&mut self) -> BoxFuture<'a, Result<R>> {
        self.given.give().map_or_else(cannot_start, &mut self.start)
    }

    fn can_start(&self) -> bool {
        self.given.arguments.is_some()
    }
}

/// An operation that hands over rows.
struct Reading<A, F> {
    given: Given<A>,
    rows: Rows,
    start: F,
}

enum Rows {
    /// Given away at the start.
    Once(Option<RowSink>),
    /// Lent at each start.
    Lent(Arc<Slot>),
}

/// An operation with those arguments, that `start` starts and that hands over `rows`.
pub(super) fn reading<'a, I, A>(
    arguments: A,
    rows: RowSink,
    start: impl FnMut(A, RowSink) -> BoxFuture<'a, Result<RowSink>> + MaybeSend + 'a,
) -> impl Work<'a, RowSink> + 'a
where
    I: Intercept,
    A: Clone + MaybeSend + 'a,
{
    let rows = if I::REPEATS { Rows::Lent(Slot::new(rows)) } else { Rows::Once(Some(rows)) };
    Reading { given: Given::new::<I>(arguments), rows, start }
}

impl<'a, A, F> Work<'a, RowSink> for Reading<A, F>
where
    A: Clone + MaybeSend,
    F: FnMut(A, RowSink) -> BoxFuture<'a, Result<RowSink>> + MaybeSend,
{
    fn start(&mut self) -> BoxFuture<'a, Result<RowSink>> {
        if !self.can_start() {
            return cannot_start();
        }
        let Some(arguments) = self.given.give() else { return cannot_start() };
        match &mut self.rows {
            Rows::Once(rows) => match rows.take() {
                Some(rows) => (self.start)(arguments, rows),
                None => cannot_start(),
            },
            Rows::Lent(slot) => {
                let slot = Arc::clone(slot);
                let started = (self.start)(arguments, slot.lend());
                Box::pin(async move {
                    started.await?;
                    slot.end()
                })
            }
        }
    }

    fn can_start(&self) -> bool {
        match &self.rows {
            Rows::Once(rows) => rows.is_some(),
            Rows::Lent(slot) => slot.is_untouched(),
        }
    }
}

/// Keeps a receiver that is lent to an operation, for when that fails.
struct Slot(Mutex<Lent>);

struct Lent {
    rows: Option<RowSink>,
    /// Whether it was given something, so that it cannot begin anew.
    is_touched: bool,
    /// To whom it is lent now. An operation that was given up may go on for a while, on a thread
    /// of its engine, and has no say any more.
    borrower: u64,
}

impl Slot {
    fn new(rows: RowSink) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Lent { rows: Some(rows), is_touched: false, borrower: 0 })))
    }

    fn lock(&self) -> MutexGuard<'_, Lent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lend(self: &Arc<Self>) -> RowSink {
        let mut lent = self.lock();
        lent.borrower += 1;
        Box::new(Borrowed { slot: Arc::clone(self), borrower: lent.borrower })
    }

    fn is_untouched(&self) -> bool {
        let lent = self.lock();
        lent.rows.is_some() && !lent.is_touched
    }

    fn end(&self) -> Result<RowSink> {
        self.lock().rows.take().ok_or_else(gone)
    }
}

fn gone() -> Error {
    Error::backend("an operation was used after it had ended; this is a bug", None)
}

/// A receiver that is lent.
struct Borrowed {
    slot: Arc<Slot>,
    borrower: u64,
}

impl Borrowed {
    /// Does something with the receiver, unless whoever wanted the rows has gone.
    fn touch<R>(&self, touch: impl FnOnce(&mut RowSink) -> R) -> Option<R> {
        let mut lent = self.slot.lock();
        if lent.borrower != self.borrower {
            return None;
        }
        lent.is_touched = true;
        lent.rows.as_mut().map(touch)
    }
}

impl RowReceiver for Borrowed {
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        self.touch(|rows| rows.receive(position, source)).unwrap_or(Ok(ControlFlow::Break(())))
    }

    fn begin(&mut self, columns: &[&str]) -> Result<()> {
        self.touch(|rows| rows.begin(columns)).unwrap_or_else(|| Err(gone()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::RowRef,
        layers::{Retry, Timeout},
        tabular::unwrap,
        value::Value,
    };

    #[derive(Default)]
    struct Count(usize);

    impl RowReceiver for Count {
        fn receive(
            &mut self,
            _position: usize,
            _source: &mut dyn ColumnSource,
        ) -> Result<ControlFlow<()>, DecodeError> {
            self.0 += 1;
            Ok(ControlFlow::Continue(()))
        }

        fn into_any(self: Box<Self>) -> Box<dyn Any> {
            self
        }
    }

    fn give(rows: &mut RowSink) -> ControlFlow<()> {
        rows.receive(0, &mut RowRef(&[Value::Int(1)])).unwrap()
    }

    #[tokio::test]
    async fn a_read_can_begin_anew_until_somebody_has_a_row() {
        for (given_before, can_start) in [(0, true), (1, false)] {
            let start = move |(): (), mut rows: RowSink| -> BoxFuture<'_, _> {
                (0..given_before).for_each(|_| assert!(give(&mut rows).is_continue()));
                Box::pin(ready(Err(Error::busy("not now"))))
            };
            let mut work = reading::<Retry, _>((), Box::new(Count::default()), start);
            assert!(work.can_start());
            assert!(work.start().await.is_err());
            assert_eq!(work.can_start(), can_start, "{given_before} rows");
        }
    }

    #[tokio::test]
    async fn a_read_that_was_given_up_has_no_say_any_more() {
        let given_up: Arc<Mutex<Option<RowSink>>> = Arc::default();
        let kept = Arc::clone(&given_up);
        let start = move |(): (), mut rows: RowSink| -> BoxFuture<'_, Result<RowSink>> {
            let first = kept.lock().unwrap().take();
            match first {
                None => {
                    *kept.lock().unwrap() = Some(rows);
                    Box::pin(std::future::pending())
                }
                Some(mut first) => {
                    assert!(give(&mut first).is_break(), "the first one has been given up");
                    assert!(give(&mut rows).is_continue());
                    Box::pin(ready(Ok(rows)))
                }
            }
        };
        let mut work = reading::<Retry, _>((), Box::new(Count::default()), start);
        drop(work.start());
        let rows = work.start().await.unwrap();
        assert_eq!(unwrap::<Count>(rows).unwrap().0, 1);
    }

    #[tokio::test]
    async fn who_does_not_repeat_starts_once() {
        let start = |(): ()| -> BoxFuture<'_, Result<()>> { Box::pin(ready(Ok(()))) };
        let mut work = calling::<Timeout, _, _>((), start);
        assert!(work.can_start());
        work.start().await.unwrap();
        assert!(!work.can_start());
        assert!(work.start().await.is_err());
        let mut work = calling::<Retry, _, _>((), start);
        for _ in 0..3 {
            work.start().await.unwrap();
        }
    }
}
