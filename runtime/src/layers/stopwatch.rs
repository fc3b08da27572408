//! How long something takes, also in a browser.

use std::time::Duration;

/// Started when it is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch {
    #[cfg(not(target_family = "wasm"))]
    started: std::time::Instant,
    // `Instant` panics in a browser.
    #[cfg(target_family = "wasm")]
    started: chrono::DateTime<chrono::Utc>,
}

impl Stopwatch {
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn start() -> Self {
        Self { started: std::time::Instant::now() }
    }

    #[cfg(target_family = "wasm")]
    pub(super) fn start() -> Self {
        Self { started: chrono::Utc::now() }
    }

    #[cfg(not(target_family = "wasm"))]
    pub(super) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    #[cfg(target_family = "wasm")]
    pub(super) fn elapsed(self) -> Duration {
        (chrono::Utc::now() - self.started).to_std().unwrap_or_default()
    }
}
