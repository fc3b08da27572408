//! A browser for tests: tabs, a channel and locks in one process, with delays that a seed decides. Time is
//! tokio's, which stands still while something can be done.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, channel::mpsc, channel::oneshot};
use tokio::task::AbortHandle;

use super::host::{Heard, Held, HeldLock, Host, Listener};
use crate::{error::Result, maybe_send::BoxFuture};

/// In which order messages arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// At each tab as they were sent, whoever sent them: they pass through the browser's main process.
    AsInBrowsers,
    /// As they were sent by each tab, and no more than that.
    OfEachSender,
}

/// All tabs of a browser.
#[derive(Clone)]
pub(super) struct Network(Arc<Mutex<Inner>>);

struct Inner {
    random: fastrand::Rng,
    order: Order,
    /// How likely a message is to be lost.
    loss: f64,
    tabs: BTreeMap<u64, Tab>,
    locks: BTreeMap<String, Lock>,
    next: u64,
}

#[derive(Default)]
struct Tab {
    listener: Option<Arc<Listener>>,
    /// What each sender's messages go through; all through one where the order is that of all.
    inboxes: BTreeMap<u64, mpsc::UnboundedSender<Vec<u8>>>,
    work: Vec<AbortHandle>,
}

#[derive(Default)]
struct Lock {
    /// Which wish was granted, and to which tab.
    holder: Option<(u64, u64)>,
    waiting: VecDeque<(u64, u64, oneshot::Sender<Held>)>,
}

impl Network {
    pub(super) fn new(seed: u64, order: Order) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            random: fastrand::Rng::with_seed(seed),
            order,
            loss: 0.0,
            tabs: BTreeMap::new(),
            locks: BTreeMap::new(),
            next: 0,
        })))
    }

    /// Opens a tab.
    pub(super) fn tab(&self) -> SimulatedHost {
        let mut inner = self.inner();
        let tab = inner.next();
        inner.tabs.insert(tab, Tab::default());
        SimulatedHost { network: self.clone(), tab }
    }

    /// How likely each message is to be lost from now on.
    pub(super) fn lose(&self, loss: f64) {
        self.inner().loss = loss;
    }

    /// Ends a tab at once. What it sent is on its way; its locks are free a little later.
    pub(super) fn kill(&self, tab: u64) {
        let Some(gone) = self.inner().tabs.remove(&tab) else { return };
        gone.work.iter().for_each(AbortHandle::abort);
        let network = self.clone();
        tokio::spawn(async move {
            network.delay().await;
            network.free(tab);
        });
    }

    /// Takes a page's locks away, as where a browser keeps it for going back to.
    pub(super) fn put_aside(&self, tab: u64) {
        self.free(tab);
    }

    /// Brings it back.
    pub(super) fn bring_back(&self, tab: u64) {
        let listener = self.inner().tabs.get(&tab).and_then(|tab| tab.listener.clone());
        if let Some(listener) = listener {
            listener(Heard::Back);
        }
    }

    /// Releases all that a tab holds, and forgets what it waits for.
    fn free(&self, tab: u64) {
        let mut inner = self.inner();
        let mut free = Vec::new();
        for (name, lock) in &mut inner.locks {
            lock.waiting.retain(|(_, waiting, _)| *waiting != tab);
            if let Some((wish, holder)) = lock.holder
                && holder == tab
            {
                free.push((name.clone(), wish));
            }
        }
        drop(inner);
        for (name, wish) in free {
            self.release(&name, wish);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that takes a while, but never the same.
    fn delay(&self) -> tokio::time::Sleep {
        tokio::time::sleep(Duration::from_micros(self.inner().random.u64(10..3_000)))
    }

    fn post(&self, from: u64, message: &[u8], to_itself: bool) {
        let mut inner = self.inner();
        if !inner.tabs.contains_key(&from) {
            return;
        }
        let Inner { random, order, loss, tabs, .. } = &mut *inner;
        let sender = if *order == Order::AsInBrowsers { 0 } else { from };
        for (&to, tab) in tabs {
            let is_meant = if to == from { to_itself } else { random.f64() >= *loss };
            let Some(listener) = tab.listener.as_ref().filter(|_| is_meant) else { continue };
            let inbox = tab.inboxes.entry(sender).or_insert_with(|| {
                let (inbox, mut arriving) = mpsc::unbounded::<Vec<u8>>();
                let (network, listener) = (self.clone(), Arc::clone(listener));
                let deliver = tokio::spawn(async move {
                    while let Some(message) = arriving.next().await {
                        network.delay().await;
                        listener(Heard::Message(&message));
                    }
                });
                tab.work.push(deliver.abort_handle());
                inbox
            });
            // It is closed when the tab is.
            let _ = inbox.unbounded_send(message.to_vec());
        }
    }

    /// Gives a free lock to who waits for it.
    fn grant(&self, inner: &mut Inner, name: &str) {
        let Some(lock) = inner.locks.get_mut(name) else { return };
        if lock.holder.is_some() {
            return;
        }
        let Some((wish, tab, waiting)) = lock.waiting.pop_front() else {
            inner.locks.remove(name);
            return;
        };
        lock.holder = Some((wish, tab));
        let (network, name) = (self.clone(), name.to_owned());
        tokio::spawn(async move {
            network.delay().await;
            let held = Box::new(SimulatedLock { network, name, wish });
            // Who does not wait any more drops it, which releases it.
            drop(waiting.send(held));
        });
    }

    fn release(&self, name: &str, wish: u64) {
        let mut inner = self.inner();
        let Some(lock) = inner.locks.get_mut(name) else { return };
        if lock.holder.is_some_and(|(holding, _)| holding == wish) {
            lock.holder = None;
            self.grant(&mut inner, name);
        }
    }
}

impl Inner {
    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

pub(super) struct SimulatedHost {
    network: Network,
    pub(super) tab: u64,
}

struct SimulatedLock {
    network: Network,
    name: String,
    wish: u64,
}

impl HeldLock for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.network.release(&self.name, self.wish);
    }
}

impl Drop for SimulatedHost {
    fn drop(&mut self) {
        let gone = self.network.inner().tabs.remove(&self.tab);
        if let Some(gone) = gone {
            gone.work.iter().for_each(AbortHandle::abort);
        }
    }
}

impl Host for SimulatedHost {
    fn listen(&self, listener: Listener) {
        if let Some(tab) = self.network.inner().tabs.get_mut(&self.tab) {
            tab.listener = Some(Arc::new(listener));
        }
    }

    fn post(&self, message: &[u8]) {
        self.network.post(self.tab, message, false);
    }

    fn post_to_all(&self, message: &[u8]) {
        self.network.post(self.tab, message, true);
    }

    fn lock(&self, name: &str) -> BoxFuture<'static, Result<Held>> {
        let (granted, waiting) = oneshot::channel();
        let mut inner = self.network.inner();
        if inner.tabs.contains_key(&self.tab) {
            let wish = inner.next();
            let lock = inner.locks.entry(name.to_owned()).or_default();
            lock.waiting.push_back((wish, self.tab, granted));
            self.network.grant(&mut inner, name);
        }
        waiting
            .then(async |held| match held {
                Ok(held) => Ok(held),
                // The tab is gone.
                Err(_) => std::future::pending().await,
            })
            .boxed()
    }

    fn held(&self) -> BoxFuture<'static, Result<Vec<String>>> {
        let network = self.network.clone();
        Box::pin(async move {
            network.delay().await;
            let held: Vec<String> = {
                let inner = network.inner();
                let held = inner.locks.iter().filter(|(_, lock)| lock.holder.is_some());
                held.map(|(name, _)| name.clone()).collect()
            };
            network.delay().await;
            Ok(held)
        })
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        let mut inner = self.network.inner();
        if let Some(tab) = inner.tabs.get_mut(&self.tab) {
            tab.work.push(tokio::spawn(work).abort_handle());
        }
    }
}
