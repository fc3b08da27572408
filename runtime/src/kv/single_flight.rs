//! One computation for a key, however many wait for its value.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::value::EncodedKey;

/// The keys whose values are being computed, each with the lock that the others wait for.
#[derive(Debug, Default)]
pub(super) struct SingleFlight(Mutex<HashMap<EncodedKey, Arc<tokio::sync::Mutex<()>>>>);

/// A key's turn. Dropped, the next who waits has it.
pub(super) struct Turn<'a> {
    flight: &'a SingleFlight,
    key: EncodedKey,
    guard: Option<tokio::sync::OwnedMutexGuard<()>>,
}

impl SingleFlight {
    fn keys(&self) -> MutexGuard<'_, HashMap<EncodedKey, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else computes this key's value.
    pub(super) async fn turn(&self, key: EncodedKey) -> Turn<'_> {
        let lock = Arc::clone(self.keys().entry(key.clone()).or_default());
        // Made before the wait, so that whoever stops waiting tidies up too.
        let mut turn = Turn { flight: self, key, guard: None };
        turn.guard = Some(lock.lock_owned().await);
        turn
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut keys = self.flight.keys();
        drop(self.guard.take());
        // The map's own is the last when nobody waits any more.
        if keys.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            keys.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::value::Value;

    #[tokio::test]
    async fn one_after_the_other_and_nothing_stays() {
        let flight = SingleFlight::default();
        let key = || EncodedKey::single(Value::Int(1));
        let first = flight.turn(key()).await;
        let mut second = Box::pin(flight.turn(key()));
        assert!((&mut second).now_or_never().is_none());
        let other = EncodedKey::single(Value::Int(2));
        assert!(flight.turn(other).now_or_never().is_some());
        drop(first);
        drop(second.await);
        assert!(flight.keys().is_empty());
        // Who stops waiting leaves nothing behind either.
        let first = flight.turn(key()).await;
        let mut second = Box::pin(flight.turn(key()));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        drop(second);
        assert!(flight.keys().is_empty());
    }
}
