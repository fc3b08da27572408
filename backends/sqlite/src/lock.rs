//! Taking a lock whatever became of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, also where somebody panicked who had it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
