//! Faults and delays on purpose, for tests.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    call::{Call, CallKind},
    intercept::{Intercept, Work},
};
use crate::{
    error::{Error, Result},
    maybe_send::MaybeSend,
};

/// Makes operations fail and take long, to find out what a program does then. The same seed gives the
/// same faults to the same operations in the same order.
///
/// Each share lies between 0, never, and 1, always. Nothing happens until one is set.
///
/// ```
/// use storehouse::layers::Chaos;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("memory:").await?;
/// let numbers = store.kv::<String, i64>("numbers").await?;
/// numbers.setup_database().await?;
///
/// let doomed = numbers.layer(Chaos::new(42).failures(1.0));
/// assert!(doomed.put("seven", 7).await.unwrap_err().is_retryable());
/// assert_eq!(numbers.get("seven").await?, None);
///
/// let cut_off = numbers.layer(Chaos::new(42).lost_answers(1.0));
/// assert!(cut_off.put("seven", 7).await.is_err());
/// assert_eq!(numbers.get("seven").await?, Some(7));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Chaos {
    failures: f64,
    lost_answers: f64,
    delays: f64,
    longest_delay: Duration,
    spares_transactions: bool,
    random: Arc<Mutex<fastrand::Rng>>,
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos")
            .field("failures", &self.failures)
            .field("lost_answers", &self.lost_answers)
            .field("delays", &self.delays)
            .field("longest_delay", &self.longest_delay)
            .field("spares_transactions", &self.spares_transactions)
            .finish_non_exhaustive()
    }
}

/// What happens to one operation.
struct Fate {
    delay: Option<Duration>,
    fails: bool,
    loses_answer: bool,
}

impl Chaos {
    /// No faults yet, and the seed of those to come.
    pub fn new(seed: u64) -> Self {
        Self {
            failures: 0.0,
            lost_answers: 0.0,
            delays: 0.0,
            longest_delay: Duration::ZERO,
            spares_transactions: false,
            random: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
        }
    }

    /// Lets this share of the operations fail before anything was done, with an error that
    /// [is retryable](Error::is_retryable). Beginning a transaction can fail so, committing too.
    #[must_use]
    pub const fn failures(mut self, share: f64) -> Self {
        self.failures = share;
        self
    }

    /// Lets this share of the operations be done and then fail, as when a connection is lost before
    /// the answer: with an error that is retryable where the operation can be repeated.
    #[must_use]
    pub const fn lost_answers(mut self, share: f64) -> Self {
        self.lost_answers = share;
        self
    }

    /// Lets this share of the operations wait before they begin, for any time up to `longest`.
    #[must_use]
    pub const fn delays(mut self, share: f64, longest: Duration) -> Self {
        self.delays = share;
        self.longest_delay = longest;
        self
    }

    /// Leaves transactions alone: their beginnings, what happens inside them, and their ends.
    #[must_use]
    pub const fn outside_transactions(mut self) -> Self {
        self.spares_transactions = true;
        self
    }

    fn fate(&self) -> Fate {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        // Always as many numbers for an operation, so that one share does not change what another
        // does.
        let mut below = |share: f64| random.f64() < share;
        let (delays, fails, loses_answer) =
            (below(self.delays), below(self.failures), below(self.lost_answers));
        let delay = self.longest_delay.mul_f64(random.f64());
        Fate { delay: delays.then_some(delay), fails, loses_answer }
    }
}

impl Intercept for Chaos {
    fn is_idle(&self, call: &Call<'_>) -> bool {
        let is_of_transaction = call.in_transaction || call.kind == CallKind::Transaction;
        self.spares_transactions && is_of_transaction
    }

    async fn around<'a, R: MaybeSend + 'a>(
        &'a self,
        call: Call<'a>,
        mut work: impl Work<'a, R> + 'a,
    ) -> Result<R> {
        let fate = self.fate();
        if let Some(delay) = fate.delay {
            futures_timer::Delay::new(delay).await;
        }
        // A rollback that fails leaves nothing that a program could do about it.
        let can_fail = call.kind != CallKind::Transaction || call.operation != "rollback";
        if fate.fails && can_fail {
            return Err(Error::busy("`Chaos` let this fail; nothing was done"));
        }
        let result = work.start().await;
        if fate.loses_answer && can_fail {
            drop(result);
            return Err(Error::Backend {
                message: "`Chaos` lost the answer; it was done, or it failed".to_owned(),
                retryable: call.is_repeatable,
                source: None,
                context: Box::default(),
            });
        }
        result
    }
}
