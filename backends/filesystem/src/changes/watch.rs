//! Wakes those who wait for changes of others, by a thread that looks hundreds of times a second.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long to wait between looks, and between those after many that showed nothing.
const OFTEN: Duration = Duration::from_millis(2);
const SELDOM: Duration = Duration::from_millis(5);
/// So many looks are many.
const MANY: u32 = 1_000;
/// How often to wake those who do not look at what they were woken for.
const AGAIN: Duration = Duration::from_millis(100);

/// Where nobody looks, and where somebody does, in case that fails.
const POLL: Duration = Duration::from_millis(100);
const BACKSTOP: Duration = Duration::from_secs(1);

/// What a look shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing has changed since a reader looked.
    Quiet,
    /// Something has come since the last look.
    News,
    /// Nothing has, but there is something to read.
    Unread,
    /// The store is gone.
    Gone,
}

/// A thread that looks. Dropped, it ends.
pub(crate) struct Watch {
    is_ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The thread that all who follow a store share.
#[derive(Default)]
pub(crate) struct WatchSlot(Mutex<Weak<Watch>>);

impl WatchSlot {
    /// The thread that looks as long as somebody holds this; `look` says what is there, and wakes
    /// where [`Watch::start`] says so.
    pub(crate) fn get_or(
        &self,
        look: impl FnMut() -> Look + Send + 'static,
        wake: impl Fn() + Send + 'static,
    ) -> Option<Arc<Watch>> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watch) = slot.upgrade().filter(|watch| watch.is_running()) {
            return Some(watch);
        }
        let watch = Arc::new(Watch::start(look, wake)?);
        *slot = Arc::downgrade(&watch);
        Some(watch)
    }
}

impl Watch {
    fn start(
        mut look: impl FnMut() -> Look + Send + 'static,
        wake: impl Fn() + Send + 'static,
    ) -> Option<Self> {
        let is_ended = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_ended);
        let run = move || {
            let mut idle = 0_u32;
            let mut woken: Option<Instant> = None;
            while !ends.load(Ordering::Relaxed) {
                match look() {
                    Look::Gone => return,
                    Look::Quiet => {
                        idle = idle.saturating_add(1);
                        woken = None;
                    }
                    Look::Unread if woken.is_some_and(|woken| woken.elapsed() < AGAIN) => {}
                    Look::News | Look::Unread => {
                        wake();
                        idle = 0;
                        woken = Some(Instant::now());
                    }
                }
                thread::park_timeout(if idle < MANY { OFTEN } else { SELDOM });
            }
        };
        match thread::Builder::new().name("storehouse-watch".to_owned()).spawn(run) {
            Ok(thread) => Some(Self { is_ended, thread: Some(thread) }),
            Err(error) => {
                tracing::warn!(target: "storehouse", %error, "a thread could not be started");
                None
            }
        }
    }

    fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// How long to wait at most without having been woken.
    pub(crate) fn poll_interval(watch: Option<&Self>) -> Duration {
        if watch.is_some_and(Self::is_running) { BACKSTOP } else { POLL }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_ended.store(true, Ordering::Relaxed);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// How often such looks wake.
    fn wakes(looks: impl IntoIterator<Item = Look, IntoIter: Send + 'static>) -> usize {
        let wakes = Arc::new(AtomicUsize::new(0));
        let (counted, mut looks) = (Arc::clone(&wakes), looks.into_iter());
        let watch = Watch::start(
            move || looks.next().unwrap_or(Look::Gone),
            move || {
                counted.fetch_add(1, Ordering::Relaxed);
            },
        );
        let until = Instant::now() + Duration::from_mins(1);
        while watch.as_ref().is_some_and(Watch::is_running) {
            assert!(Instant::now() < until, "the thread did not end");
            thread::sleep(Duration::from_millis(1));
        }
        wakes.load(Ordering::Relaxed)
    }

    #[test]
    fn all_that_comes_wakes_and_what_is_left_unread_does_from_time_to_time() {
        assert_eq!(wakes([Look::Quiet; 3]), 0);
        assert_eq!(wakes([Look::News, Look::News, Look::Quiet, Look::News]), 3);
        assert_eq!(wakes([Look::Unread, Look::Quiet, Look::Unread]), 2);
        let unread = wakes([Look::Unread; 10]);
        // Where the machine stands still, a tenth of a second passes between two.
        assert!((1..10).contains(&unread), "{unread}");
    }
}
