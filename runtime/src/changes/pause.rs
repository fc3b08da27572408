//! Waiting for a database that cannot be reached.

use std::time::Duration;

use crate::error::Error;

/// How long to wait before the first and at most before every later attempt.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// How long to wait before the next attempt: longer each time.
pub(crate) struct Pause(Duration);

impl Pause {
    pub(crate) const fn new() -> Self {
        Self(FIRST)
    }

    /// Notes that an attempt went well.
    pub(crate) const fn reset(&mut self) {
        self.0 = FIRST;
    }

    /// Waits before the next attempt, where that can go better than the one that failed with
    /// `error`; else gives that back.
    pub(crate) async fn after(&mut self, error: Error) -> Result<(), Error> {
        if !error.is_retryable() {
            return Err(error);
        }
        tracing::warn!(
            target: "storehouse::changes", %error, pause = ?self.0,
            "changes cannot be read for the moment"
        );
        futures_timer::Delay::new(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST);
        Ok(())
    }
}
