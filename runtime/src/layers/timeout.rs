//! Giving up on an operation that takes too long.

use std::time::Duration;

use futures::{
    future::{Either, select},
    pin_mut,
};

use super::{
    call::Call,
    intercept::{Intercept, Work},
};
use crate::{
    error::{Error, Result},
    maybe_send::MaybeSend,
};

/// Gives an operation up after some time, with [`Error::TimedOut`].
///
/// An operation that was given up was done or not done, never half; whether it was, the error cannot
/// say. Put [`Retry`](super::Retry) around this, and not within: each attempt then has its own time. A
/// stream's time is that of each of its pages.
///
/// ```
/// use std::time::Duration;
/// use storehouse::{Error, layers::{Chaos, Timeout}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let slow = Chaos::new(1).delays(1.0, Duration::from_secs(9));
/// let store = storehouse::open("memory:").await?;
/// let numbers = store.kv::<String, i64>("numbers").await?;
/// numbers.setup_database().await?;
/// let numbers = numbers.layer(slow).layer(Timeout::new(Duration::from_millis(5)));
/// assert!(matches!(numbers.get("seven").await, Err(Error::TimedOut { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timeout {
    limit: Duration,
}

impl Timeout {
    /// Gives up after `limit`, counted from when the operation is first polled.
    pub const fn new(limit: Duration) -> Self {
        Self { limit }
    }
}

impl Intercept for Timeout {
    async fn around<'a, R: MaybeSend + 'a>(
        &'a self,
        call: Call<'a>,
        mut work: impl Work<'a, R> + 'a,
    ) -> Result<R> {
        let limit = futures_timer::Delay::new(self.limit);
        let working = work.start();
        pin_mut!(limit, working);
        match select(working, limit).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Err(Error::timed_out(self.limit, call.is_repeatable)),
        }
    }
}
