//! Time and identifiers, which a store takes from outside so that tests can fix them.

use std::{fmt, sync::Arc, sync::Mutex};

use chrono::{DateTime, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::maybe_send::{MaybeSend, MaybeSync};

/// Tells the time.
pub trait Clock: MaybeSend + MaybeSync + 'static {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;
}

/// Makes identifiers for `auto` key columns.
pub trait IdGenerator: MaybeSend + MaybeSync + 'static {
    /// An identifier that was never given before; `now` is the store's clock.
    fn next_uuid(&self, now: DateTime<Utc>) -> Uuid;
}

/// The clock of the machine, or of the browser.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// UUIDs of version 7 (RFC 9562, section 5.7), ascending also within one millisecond.
#[derive(Debug, Default)]
pub struct UuidV7Generator(Mutex<ContextV7>);

impl IdGenerator for UuidV7Generator {
    fn next_uuid(&self, now: DateTime<Utc>) -> Uuid {
        let context = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, now.timestamp_subsec_nanos()))
    }
}

/// The clock and the id generator of a store.
#[derive(Clone)]
pub struct Environment {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes identifiers.
    pub ids: Arc<dyn IdGenerator>,
}

impl Environment {
    /// A new identifier.
    pub fn next_uuid(&self) -> Uuid {
        self.ids.next_uuid(self.clock.now())
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), ids: Arc::new(UuidV7Generator::default()) }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}
