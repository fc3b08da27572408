//! Looks that nobody waits for a batch that waits itself, for a lock or on a slow way.
//!
//! One task does so for all who wait, since a timer for each would be set and taken back under a
//! lock for every read. It is there while somebody waits, and a little longer.

use std::{
    collections::{HashMap, hash_map::Entry},
    marker::PhantomData,
    mem,
    sync::{Arc, MutexGuard, Weak},
    time::Duration,
};

use tokio::runtime::{self, Handle};

use super::{Lane, MOST, Place, Request, State};
use crate::{engine::Engine, table::Table};

/// Where nothing goes under way for so long, what is under way waits for somebody, so others may
/// overtake it.
const STALLED: Duration = Duration::from_millis(20);

/// Watches until nobody waits any more. `begun` counts what went under way so far.
pub(super) fn watch<R: Request>(
    engine: &Arc<Engine>,
    table: &Arc<Table>,
    runtime: &Handle,
    begun: usize,
) {
    let mut watch = Watch::<R> {
        engine: Arc::downgrade(engine),
        table: Arc::downgrade(table),
        runtime: runtime.id(),
        begun,
        is_on: true,
        of: PhantomData,
    };
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(STALLED).await;
            if !watch.look() {
                return;
            }
        }
    });
}

/// That somebody watches. It keeps neither the database nor the table.
struct Watch<R: Request> {
    engine: Weak<Engine>,
    table: Weak<Table>,
    runtime: runtime::Id,
    begun: usize,
    is_on: bool,
    of: PhantomData<fn() -> R>,
}

impl<R: Request> Watch<R> {
    /// Lets the next batch go if nothing did since the last look. False when nobody waits.
    fn look(&mut self) -> bool {
        let (Some(engine), Some(table)) = (self.engine.upgrade(), self.table.upgrade()) else {
            return false;
        };
        let mut states = R::lanes(&table).states();
        let Some(state) = states.get_mut(&self.runtime) else { return false };
        if state.waiting.is_empty() {
            self.end(states);
            return false;
        }
        let is_stalled = state.begun == self.begun;
        self.begun = state.begun;
        if is_stalled && state.running < MOST && state.has_next() {
            state.running += 1;
            // What this one begins is no sign that the others go on.
            self.begun = state.begun.wrapping_add(1);
            drop(states);
            let runtime = Handle::current();
            Lane::<R>::new(Place { engine, table, runtime }).start();
        }
        true
    }

    /// Whoever waits from now on is watched by another.
    fn end(&mut self, mut states: MutexGuard<'_, HashMap<runtime::Id, State<R>>>) {
        self.is_on = false;
        let Entry::Occupied(mut entry) = states.entry(self.runtime) else { return };
        entry.get_mut().is_watched = false;
        let over = entry.get().is_over().then(|| entry.remove());
        drop(states);
        drop(over);
    }
}

impl<R: Request> Drop for Watch<R> {
    fn drop(&mut self) {
        let (true, Some(table)) = (self.is_on, self.table.upgrade()) else { return };
        let mut states = R::lanes(&table).states();
        // The runtime has ended, and with it all that wait.
        let ended = states.get_mut(&self.runtime).map(|state| mem::take(&mut state.waiting));
        self.end(states);
        drop(ended);
    }
}
