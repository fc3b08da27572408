//! Events: what was done through a handle, told to listeners in the same process.
//!
//! An event fires after its operation has committed; inside a transaction, when that commits. A
//! listener that panics is cut off and harms neither the operation nor other listeners. Without
//! a listener an event costs one atomic load.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use futures::StreamExt as _;
use tokio::sync::{Notify, mpsc};

use crate::{
    definition::TableDef,
    error::{Error, Result},
    filter::{Filter, FilterTree},
    maybe_send::{BoxFuture, BoxStream, MaybeSend, MaybeSync},
    table::{Row, TableKey},
    value::{EncodedKey, EncodedRow},
};

/// What a listener can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A row was put, inserted or updated, or rows were updated by a filter.
    Put,
    /// A row was asked for by its key.
    Get,
    /// A query was answered.
    Query,
    /// Rows were deleted, by key or by filter.
    Delete,
    /// Every row was deleted.
    ClearAll,
}

/// What was done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TabularEvent<T: Row> {
    /// A row was put, inserted or updated; this is the row as stored.
    Put {
        /// The stored row.
        row: T,
    },
    /// Rows were updated by a filter.
    UpdateWhere {
        /// Which rows.
        filter: Filter<T>,
        /// How many there were.
        rows: u64,
    },
    /// A row was asked for.
    Get {
        /// Its key.
        key: T::Key,
        /// The row, if it is there.
        row: Option<T>,
    },
    /// A query was answered.
    Query {
        /// Which rows it asked for.
        filter: Filter<T>,
        /// How many it got.
        rows: usize,
    },
    /// A row was deleted by its key.
    Delete {
        /// Its key.
        key: T::Key,
    },
    /// Rows were deleted by a filter.
    DeleteSearch {
        /// Which rows.
        filter: Filter<T>,
        /// How many there were.
        rows: u64,
    },
    /// Every row was deleted.
    ClearAll,
}

/// An event before it is given its type.
#[derive(Clone, Debug)]
pub(crate) enum RawEvent {
    Put(EncodedRow),
    UpdateWhere(FilterTree, u64),
    Get(EncodedKey, Option<EncodedRow>),
    Query(FilterTree, usize),
    Delete(EncodedKey),
    DeleteSearch(FilterTree, u64),
    ClearAll,
}

/// What a hub tells its listeners, before it is given its type.
pub(crate) trait HubEvent: Clone + MaybeSend + 'static {
    /// By what listeners choose.
    type Kind: Copy + PartialEq + std::fmt::Debug + MaybeSend + MaybeSync + 'static;

    fn kind(&self) -> Self::Kind;
}

impl HubEvent for RawEvent {
    type Kind = EventKind;

    fn kind(&self) -> EventKind {
        match self {
            Self::Put(_) | Self::UpdateWhere(..) => EventKind::Put,
            Self::Get(..) => EventKind::Get,
            Self::Query(..) => EventKind::Query,
            Self::Delete(_) | Self::DeleteSearch(..) => EventKind::Delete,
            Self::ClearAll => EventKind::ClearAll,
        }
    }
}

impl RawEvent {
    /// `None` when a row does not decode, which the operation itself has reported.
    fn typed<T: Row>(&self, definition: &Arc<TableDef>) -> Option<TabularEvent<T>> {
        let decode = |row: &EncodedRow| T::decode(definition, &mut row.clone()).ok();
        let decode_key = |key: &EncodedKey| T::Key::decode(key.clone()).ok();
        Some(match self {
            Self::Put(row) => TabularEvent::Put { row: decode(row)? },
            Self::UpdateWhere(filter, rows) => {
                TabularEvent::UpdateWhere { filter: Filter::from_tree(filter.clone()), rows: *rows }
            }
            Self::Get(key, row) => TabularEvent::Get {
                key: decode_key(key)?,
                row: match row {
                    Some(row) => Some(decode(row)?),
                    None => None,
                },
            },
            Self::Query(filter, rows) => {
                TabularEvent::Query { filter: Filter::from_tree(filter.clone()), rows: *rows }
            }
            Self::Delete(key) => TabularEvent::Delete { key: decode_key(key)? },
            Self::DeleteSearch(filter, rows) => TabularEvent::DeleteSearch {
                filter: Filter::from_tree(filter.clone()),
                rows: *rows,
            },
            Self::ClearAll => TabularEvent::ClearAll,
        })
    }
}

#[cfg(not(target_family = "wasm"))]
type Call<E> = Arc<dyn Fn(&E) + Send + Sync>;
#[cfg(target_family = "wasm")]
type Call<E> = Arc<dyn Fn(&E)>;

struct Listener<E: HubEvent> {
    id: u64,
    kind: Option<E::Kind>,
    call: Call<E>,
}

/// The listeners of one handle and its clones.
pub(crate) struct EventHub<E: HubEvent = RawEvent> {
    /// How many listeners there are, so that an operation without one need not take the lock.
    count: AtomicUsize,
    next_id: AtomicU64,
    closed: AtomicBool,
    closing: Notify,
    listeners: Mutex<Vec<Listener<E>>>,
}

impl<E: HubEvent> Default for EventHub<E> {
    fn default() -> Self {
        Self {
            count: AtomicUsize::new(0),
            next_id: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            closing: Notify::new(),
            listeners: Mutex::default(),
        }
    }
}

impl<E: HubEvent> EventHub<E> {
    /// Whether anybody listens.
    pub(crate) fn is_listened_to(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Ends every subscription and refuses new ones.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        let ended = std::mem::take(&mut *self.lock());
        self.count.store(0, Ordering::Relaxed);
        self.closing.notify_waiters();
        drop(ended);
    }

    /// Waits until [`EventHub::close`] is called.
    pub(crate) async fn closed(&self) {
        // Made first, so that a call between the two is not missed.
        let closing = self.closing.notified();
        if !self.is_closed() {
            closing.await;
        }
    }

    pub(crate) fn emit(&self, event: &E) {
        let kind = event.kind();
        // The calls are made without the lock, since a listener may subscribe or unsubscribe.
        let calls: Vec<Call<E>> = (self.lock().iter())
            .filter(|listener| listener.kind.is_none_or(|wanted| wanted == kind))
            .map(|listener| Arc::clone(&listener.call))
            .collect();
        for call in calls {
            if catch_unwind(AssertUnwindSafe(|| call(event))).is_err() {
                tracing::error!(target: "storehouse::events", ?kind, "an event listener panicked");
            }
        }
    }

    /// Calls `listener` for each event of a kind, or of every kind.
    pub(crate) fn listen_to(
        self: &Arc<Self>,
        kind: Option<E::Kind>,
        listener: impl Fn(&E) + MaybeSend + MaybeSync + 'static,
    ) -> Subscription {
        self.listen(kind, Arc::new(listener))
    }

    /// Every event of a kind, or of every kind, from this call on.
    pub(crate) fn queue(self: &Arc<Self>, kind: Option<E::Kind>) -> BoxStream<'static, E> {
        let (sender, mut receiver) = mpsc::unbounded_channel::<E>();
        let subscription = self.listen_to(kind, move |event: &E| {
            // A receiver that is gone is about to end its subscription.
            let _ = sender.send(event.clone());
        });
        Box::pin(futures::stream::poll_fn(move |context| {
            let _listening = &subscription;
            receiver.poll_recv(context)
        }))
    }

    fn listen(self: &Arc<Self>, kind: Option<E::Kind>, call: Call<E>) -> Subscription {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut listeners = self.lock();
        if !self.is_closed() {
            listeners.push(Listener { id, kind, call });
            self.count.store(listeners.len(), Ordering::Relaxed);
        }
        Subscription { hub: Arc::clone(self) as Arc<dyn Hub>, id }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Listener<E>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hub of whichever events.
trait Hub: MaybeSend + MaybeSync {
    /// Ends a subscription.
    fn end(&self, id: u64);
}

impl<E: HubEvent> Hub for EventHub<E> {
    fn end(&self, id: u64) {
        let mut listeners = self.lock();
        let ended = listeners.iter().position(|listener| listener.id == id);
        let ended = ended.map(|position| listeners.remove(position));
        self.count.store(listeners.len(), Ordering::Relaxed);
        drop(listeners);
        // Dropped without the lock: what a listener captured may use the hub as it goes.
        drop(ended);
    }
}

/// A running subscription; dropping it ends it.
#[must_use = "dropping a subscription ends it; keep it as long as the listener shall be called"]
pub struct Subscription {
    hub: Arc<dyn Hub>,
    id: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.end(self.id);
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Subscribes to what is done through a handle and its clones; from `handle.events()`.
///
/// ```
/// use storehouse::prelude::*;
///
/// #[derive(Table, Clone, Debug, PartialEq)]
/// struct Note {
///     #[table(key, auto)]
///     id: i64,
///     text: String,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let notes = storehouse::open("memory:").await?.tabular::<Note>().await?;
/// notes.setup_database().await?;
/// let next = notes.events().wait_on(EventKind::Put);
/// notes.put(NoteInsert { text: "hello".into() }).await?;
/// let TabularEvent::Put { row } = next.await? else { unreachable!() };
/// assert_eq!(row.text, "hello");
/// # Ok(())
/// # }
/// ```
pub struct Events<T> {
    hub: Arc<EventHub>,
    definition: Arc<TableDef>,
    marker: std::marker::PhantomData<fn() -> T>,
}

impl<T: Row> Events<T> {
    pub(crate) fn new(hub: Arc<EventHub>, definition: Arc<TableDef>) -> Self {
        Self { hub, definition, marker: std::marker::PhantomData }
    }

    /// Calls `listener` for each event of a kind, on the task that did the operation.
    pub fn on(
        &self,
        kind: EventKind,
        listener: impl Fn(&TabularEvent<T>) + MaybeSend + MaybeSync + 'static,
    ) -> Subscription {
        self.listen(Some(kind), listener)
    }

    /// Calls `listener` for the next event of a kind, and then no more.
    pub fn once(
        &self,
        kind: EventKind,
        listener: impl Fn(&TabularEvent<T>) + MaybeSend + MaybeSync + 'static,
    ) -> Subscription {
        let called = AtomicBool::new(false);
        self.listen(Some(kind), move |event| {
            if !called.swap(true, Ordering::Relaxed) {
                listener(event);
            }
        })
    }

    /// Waits for the next event of a kind. It listens from this call on, not from the first
    /// poll. Fails with [`Error::Closed`] when the handle is destroyed first.
    pub fn wait_on(&self, kind: EventKind) -> BoxFuture<'static, Result<TabularEvent<T>>> {
        let mut events = self.queue(Some(kind));
        Box::pin(async move {
            events.next().await.ok_or_else(|| Error::closed("the handle was destroyed"))
        })
    }

    /// Every event from this call on. They wait in memory until they are taken; dropping the
    /// stream ends it.
    pub fn stream(&self) -> BoxStream<'static, TabularEvent<T>> {
        self.queue(None)
    }

    fn queue(&self, kind: Option<EventKind>) -> BoxStream<'static, TabularEvent<T>> {
        let definition = Arc::clone(&self.definition);
        let raw = self.hub.queue(kind);
        Box::pin(raw.filter_map(move |event| std::future::ready(event.typed(&definition))))
    }

    fn listen(
        &self,
        kind: Option<EventKind>,
        listener: impl Fn(&TabularEvent<T>) + MaybeSend + MaybeSync + 'static,
    ) -> Subscription {
        let definition = Arc::clone(&self.definition);
        self.hub.listen_to(kind, move |event: &RawEvent| {
            if let Some(event) = event.typed(&definition) {
                listener(&event);
            }
        })
    }
}

impl<T> std::fmt::Debug for Events<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("table", &self.definition.name).finish_non_exhaustive()
    }
}
