//! Writing down what is done.

use std::time::Duration;

use super::{
    call::Call,
    intercept::{Intercept, Work},
    stopwatch::Stopwatch,
};
use crate::{error::Result, maybe_send::MaybeSend};

/// Where the events go, for a filter of a subscriber.
const TARGET: &str = "storehouse::log";

/// Writes down each operation by `tracing`, with the target `storehouse::log`: what failed and what
/// took long as warnings, the rest at the level `DEBUG`. Values are not written down.
///
/// The fields are `operation`, `target_name`, `backend`, `rows`, `in_transaction`, `elapsed` and,
/// where it failed, `error`. What nobody listens to costs nothing.
///
/// ```
/// use std::time::Duration;
/// use storehouse::layers::Log;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("memory:").await?.layer(Log::new().slow(Duration::from_millis(50)));
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Log {
    slow: Duration,
}

impl Log {
    /// Warns of what takes longer than a second.
    pub const fn new() -> Self {
        Self { slow: Duration::from_secs(1) }
    }

    /// Warns of what takes longer than `slow`.
    #[must_use]
    pub const fn slow(mut self, slow: Duration) -> Self {
        self.slow = slow;
        self
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes one event; the level of an event cannot be chosen at run time.
macro_rules! event {
    ($level:ident, $call:expr, $elapsed:expr, $($rest:tt)*) => {
        tracing::event!(
            target: TARGET,
            tracing::Level::$level,
            operation = $call.operation,
            target_name = $call.target,
            backend = $call.backend,
            rows = $call.rows,
            in_transaction = $call.in_transaction,
            elapsed = ?$elapsed,
            $($rest)*
        )
    };
}

impl Intercept for Log {
    fn is_idle(&self, _call: &Call<'_>) -> bool {
        !tracing::enabled!(target: TARGET, tracing::Level::WARN)
    }

    async fn around<'a, R: MaybeSend + 'a>(
        &'a self,
        call: Call<'a>,
        mut work: impl Work<'a, R> + 'a,
    ) -> Result<R> {
        let watch = Stopwatch::start();
        let result = work.start().await;
        let elapsed = watch.elapsed();
        match &result {
            Err(error) => event!(WARN, call, elapsed, %error, "failed"),
            Ok(_) if elapsed > self.slow => event!(WARN, call, elapsed, "slow"),
            Ok(_) => event!(DEBUG, call, elapsed, "done"),
        }
        result
    }
}
