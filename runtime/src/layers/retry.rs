//! Trying again what may succeed then.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    call::Call,
    intercept::{Intercept, Work},
};
use crate::{
    error::{Error, Result},
    maybe_send::MaybeSend,
};

/// Tries an operation again when it failed for a reason that may go away: as long as the error
/// [is retryable](Error::is_retryable), and trying again cannot do twice what is to be done once.
///
/// [`Error::Busy`] means that nothing was done, so every operation is tried again. After another
/// error, such as a lost connection, only what is
/// [repeatable](super::Call::is_repeatable) is: a read, a put of a row with its key. Nothing is tried
/// again inside a transaction, which has to be run again as a whole:
/// [`Store::retry_transaction`](crate::Store::retry_transaction). A read that handed over rows already
/// is not tried again either.
///
/// The wait before attempt *n* + 1 is chosen evenly between nothing and `first_wait` × 2ⁿ⁻¹, and no
/// longer than `longest_wait`: exponential backoff with full jitter, after M. Brooker, "Exponential
/// Backoff And Jitter", AWS Architecture Blog, 2015.
///
/// ```
/// use std::time::Duration;
/// use storehouse::layers::{Chaos, Retry};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("memory:").await?;
/// let numbers = store.kv::<String, i64>("numbers").await?;
/// numbers.setup_database().await?;
///
/// let retry = Retry::new().attempts(20).first_wait(Duration::from_millis(1));
/// let numbers = numbers.layer(Chaos::new(7).failures(0.5)).layer(retry);
/// numbers.put("seven", 7).await?;
/// assert_eq!(numbers.get("seven").await?, Some(7));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Retry {
    attempts: u32,
    first_wait: Duration,
    longest_wait: Duration,
    random: Arc<Mutex<fastrand::Rng>>,
}

impl Retry {
    /// Tries three times, waits up to 50 milliseconds before the second time, and never longer than
    /// five seconds.
    pub fn new() -> Self {
        let (seed, _) = uuid::Uuid::new_v4().as_u64_pair();
        Self {
            attempts: 3,
            first_wait: Duration::from_millis(50),
            longest_wait: Duration::from_secs(5),
            random: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
        }
    }

    /// Tries so many times, the first one counted; at least once.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Waits up to that long before the second time.
    #[must_use]
    pub const fn first_wait(mut self, first_wait: Duration) -> Self {
        self.first_wait = first_wait;
        self
    }

    /// Never waits longer than that.
    #[must_use]
    pub const fn longest_wait(mut self, longest_wait: Duration) -> Self {
        self.longest_wait = longest_wait;
        self
    }

    /// How long to wait after so many attempts.
    fn wait_after(&self, attempts: u32) -> Duration {
        let doubled = 2_u32.checked_pow(attempts.saturating_sub(1));
        let most = doubled.and_then(|doubled| self.first_wait.checked_mul(doubled));
        let most = most.unwrap_or(self.longest_wait).min(self.longest_wait);
        let share = self.random.lock().unwrap_or_else(PoisonError::into_inner).f64();
        most.mul_f64(share)
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether the call can be made again after that error.
fn may_repeat(call: &Call<'_>, error: &Error) -> bool {
    match error {
        Error::Busy { .. } => true,
        error => error.is_retryable() && call.is_repeatable,
    }
}

impl Intercept for Retry {
    const REPEATS: bool = true;

    fn is_idle(&self, call: &Call<'_>) -> bool {
        call.in_transaction
    }

    async fn around<'a, R: MaybeSend + 'a>(
        &'a self,
        call: Call<'a>,
        mut work: impl Work<'a, R> + 'a,
    ) -> Result<R> {
        let mut attempts = 1;
        loop {
            match work.start().await {
                Err(error)
                    if attempts < self.attempts
                        && !call.in_transaction
                        && may_repeat(&call, &error)
                        && work.can_start() =>
                {
                    let wait = self.wait_after(attempts);
                    tracing::debug!(
                        target: "storehouse::retry",
                        operation = call.operation,
                        target_name = call.target,
                        attempts,
                        ?wait,
                        %error,
                        "trying again"
                    );
                    futures_timer::Delay::new(wait).await;
                    attempts += 1;
                }
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest() {
        let retry = Retry::new()
            .first_wait(Duration::from_millis(10))
            .longest_wait(Duration::from_millis(35));
        for (attempts, most) in [(1, 10), (2, 20), (3, 35), (40, 35), (u32::MAX, 35)] {
            for _ in 0..100 {
                assert!(retry.wait_after(attempts) <= Duration::from_millis(most), "{attempts}");
            }
        }
    }
}
