//! What a tab needs of the browser to share a database: a channel, locks, and a clock. The protocol sees no
//! more of it than this, so it runs in a simulation as well.

use std::time::Duration;

use crate::{
    error::Result,
    maybe_send::{BoxFuture, MaybeSend, MaybeSync},
};

/// A lock that is held; released when it is dropped.
pub(in super::super) trait HeldLock: MaybeSend + MaybeSync + 'static {}

pub(in super::super) type Held = Box<dyn HeldLock>;

/// What a tab hears of.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Heard<'a> {
    /// A message of another tab.
    Message(&'a [u8]),
    /// The page had been put aside and is back. What it held may be another's, and what was said meanwhile
    /// it has not heard.
    Back,
}

/// What is told so.
#[cfg(not(target_family = "wasm"))]
pub(in super::super) type Listener = Box<dyn Fn(Heard<'_>) + Send + Sync>;
/// What is told so.
#[cfg(target_family = "wasm")]
pub(in super::super) type Listener = Box<dyn Fn(Heard<'_>)>;

/// One tab's side of the browser.
pub(in super::super) trait Host: MaybeSend + MaybeSync + 'static {
    /// Begins to hand messages over, in the order in which they arrive; ends with the host.
    fn listen(&self, listener: Listener);

    /// Sends a message to every other tab.
    fn post(&self, message: &[u8]);

    /// Sends a message to every tab, this one too. What was sent to this tab before arrives before.
    fn post_to_all(&self, message: &[u8]);

    /// Waits for a lock that one tab at a time has. If the future is dropped, so is the wish.
    fn lock(&self, name: &str) -> BoxFuture<'static, Result<Held>>;

    /// The names of the locks that are held, by whichever tab.
    fn held(&self) -> BoxFuture<'static, Result<Vec<String>>>;

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;

    fn spawn(&self, work: BoxFuture<'static, ()>);
}
