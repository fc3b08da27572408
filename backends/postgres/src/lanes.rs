//! Who goes alone, and who waits to share a round trip.
//!
//! A request that finds nobody under way goes at once, on its caller's own task. Those that come
//! meanwhile wait; when the one under way is back, all of them go together, on a task of their
//! own, so that a caller who goes away takes nobody along. Nobody ever waits for company.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::{self, Handle},
    sync::oneshot,
};

use crate::{engine::Engine, table::Table};

/// A batch that takes longer than this waits for somebody, so others may overtake it.
const STALLED: Duration = Duration::from_millis(20);

/// So many batches of one table are under way at most.
const MOST: usize = 4;

/// So many requests share a round trip at most.
const LARGEST: usize = 256;

/// What can share a round trip with others of its kind.
pub(crate) trait Request: Sized + Send + 'static {
    /// Where those about one table meet.
    fn lanes(table: &Table) -> &Lanes<Self>;

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
}

impl<R> Default for Lanes<R> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<R> Default for State<R> {
    fn default() -> Self {
        Self { running: 0, waiting: VecDeque::new() }
    }
}

impl<R: Request> Lanes<R> {
    fn states(&self) -> MutexGuard<'_, HashMap<runtime::Id, State<R>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to be under way, if nobody is.
    pub(crate) fn enter(engine: &Arc<Engine>, table: &Arc<Table>) -> Option<Lane<R>> {
        let runtime = Handle::current();
        let mut states = R::lanes(table).states();
        let state = states.entry(runtime.id()).or_default();
        if state.running > 0 {
            return None;
        }
        state.running = 1;
        Some(Lane::new(engine, table, runtime))
    }

    /// Lets a request wait for its turn, and then for its answer.
    pub(crate) async fn wait<A>(
        engine: &Arc<Engine>,
        table: &Arc<Table>,
        request: R,
        mut answer: oneshot::Receiver<A>,
    ) -> Option<A> {
        let runtime = Handle::current();
        let lanes = R::lanes(table);
        let mut request = Some(request);
        loop {
            let lane = {
                let mut states = lanes.states();
                let state = states.entry(runtime.id()).or_default();
                let is_new = request.is_some();
                state.waiting.extend(request.take());
                // At first, those under way may just have come to their end. Later, they wait
                // for a lock, or for a slow answer.
                let most = if is_new { 1 } else { MOST };
                let may_lead = state.running < most && !state.waiting.is_empty();
                state.running += usize::from(may_lead);
                may_lead.then(|| Lane::<R>::new(engine, table, runtime.clone()))
            };
            if let Some(lane) = lane {
                lane.start();
            }
            if let Ok(answer) = tokio::time::timeout(STALLED, &mut answer).await {
                return answer.ok();
            }
        }
    }

    /// The requests at the front that can go together.
    fn take(&self, runtime: runtime::Id) -> Vec<R> {
        let mut states = self.states();
        let mut batch: Vec<R> = Vec::new();
        let Some(state) = states.get_mut(&runtime) else { return batch };
        while batch.len() < LARGEST
            && let Some(request) = state.waiting.pop_front_if(|request| request.joins(&batch))
        {
            batch.push(request);
        }
        batch
    }
}

/// The right to be under way. Dropped, it goes to those who wait.
pub(crate) struct Lane<R: Request> {
    engine: Arc<Engine>,
    table: Arc<Table>,
    runtime: Handle,
    /// Whether it was given to a task that has not begun.
    is_starting: bool,
    of: PhantomData<fn() -> R>,
}

impl<R: Request> Lane<R> {
    fn new(engine: &Arc<Engine>, table: &Arc<Table>, runtime: Handle) -> Self {
        let (engine, table) = (Arc::clone(engine), Arc::clone(table));
        Self { engine, table, runtime, is_starting: false, of: PhantomData }
    }

    /// Serves those who wait, on a task of the runtime that they wait on.
    fn start(mut self) {
        self.is_starting = true;
        self.runtime.clone().spawn(self.serve());
    }

    /// Runs those who wait, until nobody does.
    async fn serve(mut self) {
        self.is_starting = false;
        loop {
            let batch = R::lanes(&self.table).take(self.runtime.id());
            if batch.is_empty() {
                return;
            }
            R::run_all(&self.engine, &self.table, batch).await;
            // Those who were answered may have more to ask, and then go together again.
            tokio::task::yield_now().await;
        }
    }
}

impl<R: Request> Drop for Lane<R> {
    fn drop(&mut self) {
        let mut states = R::lanes(&self.table).states();
        let Entry::Occupied(mut entry) = states.entry(self.runtime.id()) else { return };
        let state = entry.get_mut();
        // A task that was dropped before it began belonged to a runtime that has ended, and
        // with it all that wait.
        if !state.waiting.is_empty() && !self.is_starting {
            drop(states);
            return Self::new(&self.engine, &self.table, self.runtime.clone()).start();
        }
        state.running -= 1;
        if state.running == 0 {
            let ended = entry.remove();
            drop(states);
            drop(ended);
        }
    }
}
