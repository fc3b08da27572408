//! Who goes alone, and who waits to share a round trip.
//!
//! A request that finds nobody under way, or where it reads at most one other, goes at once, on its
//! caller's own task. Those that come meanwhile wait; when one that is under way is back, all of
//! them go together, on a task of their own, so that a caller who goes away takes nobody along.
//! Nobody ever waits for company.

mod watch;

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    marker::PhantomData,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    runtime::{self, Handle},
    sync::oneshot,
};

use self::watch::watch;
use crate::{engine::Engine, table::Table};

/// So many batches of one table are under way at most.
const MOST: usize = 4;

/// So many requests share a round trip at most.
const LARGEST: usize = 256;

/// What can share a round trip with others of its kind.
pub(crate) trait Request: Sized + Send + 'static {
    /// So many are under way before those that come wait for each other.
    const AT_ONCE: usize = 1;

    /// Where those about one table meet.
    fn lanes(table: &Table) -> &Lanes<Self>;

    /// Those that have a mark in common happen one after another, in the order in which they
    /// came; what has none happens at any time.
    fn mark(&self) -> Option<u64> {
        None
    }

    /// Takes what keeps others with its mark from being under way, until it is dropped.
    fn hold(&mut self, hold: Hold<Self>) {
        drop(hold);
    }

    /// Whether this one can go together with those.
    fn joins(&self, batch: &[Self]) -> bool;

    /// Runs several, and gives each its own answer.
    fn run_all(
        engine: &Arc<Engine>,
        table: &Arc<Table>,
        batch: Vec<Self>,
    ) -> impl Future<Output = ()> + Send;
}

/// The requests of one kind about one table.
pub(crate) struct Lanes<R>(Mutex<HashMap<runtime::Id, State<R>>>);

/// Those of one runtime. Runtimes do not share: one that nobody drives would stop the others.
struct State<R> {
    /// How many batches are under way.
    running: usize,
    waiting: VecDeque<R>,
    /// The marks of what is under way.
    held: HashSet<u64>,
    /// Counts what went under way, so that one sees whether anything did meanwhile.
    begun: usize,
    /// Whether somebody looks that those who wait do not wait for a batch that waits itself.
    is_watched: bool,
}

impl<R> Default for Lanes<R> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<R> Default for State<R> {
    fn default() -> Self {
        let (waiting, held) = (VecDeque::new(), HashSet::new());
        Self { running: 0, waiting, held, begun: 0, is_watched: false }
    }
}

impl<R: Request> State<R> {
    fn is_free(&self, mark: Option<u64>) -> bool {
        mark.is_none_or(|mark| !self.held.contains(&mark))
    }

    /// Whether somebody waits who may go.
    fn has_next(&self) -> bool {
        self.waiting.iter().any(|request| self.is_free(request.mark()))
    }

    /// Whether nothing is under way, and nobody looks after those who wait.
    fn is_over(&self) -> bool {
        self.running == 0 && self.held.is_empty() && !self.is_watched
    }

    /// Takes the first that waits and may go, and with it all that can go together.
    fn take(&mut self) -> Vec<R> {
        let mut batch = Vec::new();
        // Whoever shares a mark with one that stays has to stay too.
        let mut staying = HashSet::new();
        let mut place = 0;
        while batch.len() < LARGEST
            && let Some(request) = self.waiting.get(place)
        {
            let mark = request.mark();
            let may_go = self.is_free(mark) && mark.is_none_or(|mark| !staying.contains(&mark));
            if may_go
                && request.joins(&batch)
                && let Some(request) = self.waiting.remove(place)
            {
                self.held.extend(mark);
                batch.push(request);
            } else {
                staying.extend(mark);
                place += 1;
            }
        }
        self.begun = self.begun.wrapping_add(usize::from(!batch.is_empty()));
        batch
    }
}

impl<R: Request> Lanes<R> {
    fn states(&self) -> MutexGuard<'_, HashMap<runtime::Id, State<R>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to be under way, if there is room.
    pub(crate) fn enter(
        engine: &Arc<Engine>,
        table: &Arc<Table>,
        mark: Option<u64>,
    ) -> Option<(Lane<R>, Option<Hold<R>>)> {
        let runtime = Handle::current();
        let mut states = R::lanes(table).states();
        let state = states.entry(runtime.id()).or_default();
        if state.running >= R::AT_ONCE || !state.is_free(mark) {
            return None;
        }
        state.running += 1;
        state.begun = state.begun.wrapping_add(1);
        state.held.extend(mark);
        drop(states);
        let place = Place::new(engine, table, runtime);
        let hold = mark.map(|mark| Hold { place: place.clone(), mark, of: PhantomData });
        Some((Lane::new(place), hold))
    }

    /// Lets a request wait for its turn, and then for its answer.
    pub(crate) async fn wait<A>(
        engine: &Arc<Engine>,
        table: &Arc<Table>,
        request: R,
        answer: oneshot::Receiver<A>,
    ) -> Option<A> {
        Self::queue(engine, table, request);
        answer.await.ok()
    }

    /// Puts a request behind those that wait, and sees to it that somebody comes for it.
    fn queue(engine: &Arc<Engine>, table: &Arc<Table>, request: R) {
        let runtime = Handle::current();
        let mut states = R::lanes(table).states();
        let state = states.entry(runtime.id()).or_default();
        // Those under way may just have come to their end.
        let may_lead = state.running < R::AT_ONCE && state.is_free(request.mark());
        state.waiting.push_back(request);
        if may_lead {
            state.running += 1;
            drop(states);
            Lane::<R>::new(Place::new(engine, table, runtime)).start();
        } else if !mem::replace(&mut state.is_watched, true) {
            let begun = state.begun;
            drop(states);
            watch::<R>(engine, table, &runtime, begun);
        }
    }
}

/// Which requests a lane serves.
#[derive(Clone)]
struct Place {
    engine: Arc<Engine>,
    table: Arc<Table>,
    runtime: Handle,
}

impl Place {
    fn new(engine: &Arc<Engine>, table: &Arc<Table>, runtime: Handle) -> Self {
        Self { engine: Arc::clone(engine), table: Arc::clone(table), runtime }
    }
}

/// Keeps requests with one mark from being under way. Dropped, the next of them may go.
pub(crate) struct Hold<R: Request> {
    place: Place,
    mark: u64,
    of: PhantomData<fn() -> R>,
}

impl<R: Request> Drop for Hold<R> {
    fn drop(&mut self) {
        let mut states = R::lanes(&self.place.table).states();
        let Entry::Occupied(mut entry) = states.entry(self.place.runtime.id()) else { return };
        let state = entry.get_mut();
        state.held.remove(&self.mark);
        // Whoever is under way looks again before the end.
        if state.running > 0 {
            return;
        }
        if !state.waiting.is_empty() {
            state.running = 1;
            drop(states);
            Lane::<R>::new(self.place.clone()).start();
        } else if state.is_over() {
            entry.remove();
        }
    }
}

/// The right to be under way. Dropped, it goes to those who wait.
pub(crate) struct Lane<R: Request> {
    place: Place,
    /// Whether it was given to a task that has not begun.
    is_starting: bool,
    of: PhantomData<fn() -> R>,
}

impl<R: Request> Lane<R> {
    fn new(place: Place) -> Self {
        Self { place, is_starting: false, of: PhantomData }
    }

    /// Serves those who wait, on a task of the runtime that they wait on.
    fn start(mut self) {
        self.is_starting = true;
        self.place.runtime.clone().spawn(self.serve());
    }

    /// Runs those who wait, until nobody does who may go.
    async fn serve(mut self) {
        self.is_starting = false;
        loop {
            let batch = self.take();
            if batch.is_empty() {
                return;
            }
            R::run_all(&self.place.engine, &self.place.table, batch).await;
            // Those who were answered may have more to ask, and then go together again.
            tokio::task::yield_now().await;
        }
    }

    fn take(&self) -> Vec<R> {
        let mut states = R::lanes(&self.place.table).states();
        let Some(state) = states.get_mut(&self.place.runtime.id()) else { return Vec::new() };
        let mut batch = state.take();
        drop(states);
        for request in &mut batch {
            if let Some(mark) = request.mark() {
                request.hold(Hold { place: self.place.clone(), mark, of: PhantomData });
            }
        }
        batch
    }
}

impl<R: Request> Drop for Lane<R> {
    fn drop(&mut self) {
        let mut states = R::lanes(&self.place.table).states();
        let Entry::Occupied(mut entry) = states.entry(self.place.runtime.id()) else { return };
        let state = entry.get_mut();
        if !self.is_starting && state.has_next() {
            drop(states);
            return Self::new(self.place.clone()).start();
        }
        state.running -= 1;
        // A task that was dropped before it began belonged to a runtime that has ended, and
        // with it all that wait.
        let ended = self.is_starting.then(|| mem::take(&mut state.waiting));
        let over = state.is_over().then(|| entry.remove());
        drop(states);
        drop((ended, over));
    }
}
