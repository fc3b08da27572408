//! Events of key-value stores: what was done through a handle, told to listeners in the process.

use std::{marker::PhantomData, sync::Arc};

use futures::StreamExt as _;

use super::value::{KvKey, KvValue, decode};
use crate::{
    error::{Error, Result},
    events::{EventHub, HubEvent, Subscription},
    maybe_send::{BoxFuture, BoxStream, MaybeSend, MaybeSync},
    table::TableKey,
    value::{EncodedKey, EncodedRow, Value},
};

/// What a listener can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KvEventKind {
    /// A value was written.
    Put,
    /// A key was asked for.
    Get,
    /// Every entry was asked for, or those with a prefix.
    GetAll,
    /// A key was deleted.
    Delete,
    /// Every entry was deleted.
    DeleteAll,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum KvEvent<K, V> {
    /// A value was written.
    Put {
        /// Its key.
        key: K,
        /// The value.
        value: V,
    },
    /// A key was asked for.
    Get {
        /// The key.
        key: K,
        /// Its value, if it is there.
        value: Option<V>,
    },
    /// Entries were asked for together.
    GetAll {
        /// How many there were.
        entries: usize,
    },
    /// A key was deleted.
    Delete {
        /// The key.
        key: K,
    },
    /// Every entry was deleted.
    DeleteAll,
}

/// An event before it is given its types.
#[derive(Clone, Debug)]
pub(crate) enum RawKvEvent {
    Put(EncodedKey, Value),
    Get(EncodedKey, Option<Value>),
    GetAll(usize),
    Delete(EncodedKey),
    DeleteAll,
}

impl HubEvent for RawKvEvent {
    type Kind = KvEventKind;

    fn kind(&self) -> KvEventKind {
        match self {
            Self::Put(..) => KvEventKind::Put,
            Self::Get(..) => KvEventKind::Get,
            Self::GetAll(_) => KvEventKind::GetAll,
            Self::Delete(_) => KvEventKind::Delete,
            Self::DeleteAll => KvEventKind::DeleteAll,
        }
    }
}

impl RawKvEvent {
    /// `None` when something does not decode, which the operation itself has reported.
    fn typed<K: KvKey, V: KvValue>(&self) -> Option<KvEvent<K, V>> {
        let key = |key: &EncodedKey| <K as TableKey>::decode(key.clone()).ok();
        let value = |value: &Value| decode(&mut EncodedRow(vec![value.clone()]), 0).ok();
        Some(match self {
            Self::Put(put, stored) => KvEvent::Put { key: key(put)?, value: value(stored)? },
            Self::Get(asked, found) => {
                let found = match found {
                    Some(found) => Some(value(found)?),
                    None => None,
                };
                KvEvent::Get { key: key(asked)?, value: found }
            }
            Self::GetAll(entries) => KvEvent::GetAll { entries: *entries },
            Self::Delete(deleted) => KvEvent::Delete { key: key(deleted)? },
            Self::DeleteAll => KvEvent::DeleteAll,
        })
    }
}

/// Subscribes to what is done through a handle and its clones; from [`Kv::events`](super::Kv::events).
///
/// They fire after the operation, or, in a transaction, after its commit.
pub struct KvEvents<K, V> {
    hub: Arc<EventHub<RawKvEvent>>,
    marker: PhantomData<fn() -> (K, V)>,
}

impl<K: KvKey, V: KvValue> KvEvents<K, V> {
    pub(super) const fn new(hub: Arc<EventHub<RawKvEvent>>) -> Self {
        Self { hub, marker: PhantomData }
    }

    /// Calls `listener` for each event of a kind, on the task that did the operation.
    pub fn on(
        &self,
        kind: KvEventKind,
        listener: impl Fn(&KvEvent<K, V>) + MaybeSend + MaybeSync + 'static,
    ) -> Subscription {
        self.hub.listen_to(Some(kind), move |event: &RawKvEvent| {
            if let Some(event) = event.typed() {
                listener(&event);
            }
        })
    }

    /// Calls `listener` for the next event of a kind, and then no more.
    pub fn once(
        &self,
        kind: KvEventKind,
        listener: impl Fn(&KvEvent<K, V>) + MaybeSend + MaybeSync + 'static,
    ) -> Subscription {
        let called = std::sync::atomic::AtomicBool::new(false);
        self.on(kind, move |event| {
            if !called.swap(true, std::sync::atomic::Ordering::Relaxed) {
                listener(event);
            }
        })
    }

    /// Waits for the next event of a kind, from this call on. Fails with [`Error::Closed`] when
    /// the handle is destroyed first.
    pub fn wait_on(&self, kind: KvEventKind) -> BoxFuture<'static, Result<KvEvent<K, V>>> {
        let mut events = self.queue(Some(kind));
        Box::pin(async move {
            events.next().await.ok_or_else(|| Error::closed("the handle was destroyed"))
        })
    }

    /// Every event from this call on. They wait in memory until they are taken; dropping the
    /// stream ends it.
    pub fn stream(&self) -> BoxStream<'static, KvEvent<K, V>> {
        self.queue(None)
    }

    fn queue(&self, kind: Option<KvEventKind>) -> BoxStream<'static, KvEvent<K, V>> {
        let raw = self.hub.queue(kind);
        Box::pin(raw.filter_map(|event| std::future::ready(event.typed())))
    }
}

impl<K, V> std::fmt::Debug for KvEvents<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KvEvents").finish_non_exhaustive()
    }
}
