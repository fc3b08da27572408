//! The future of a read by key. Where the storage has the entry at hand, as one in memory has, it is
//! there at the first poll, and nothing was allocated on the way but the key and the value.

use std::{
    any::Any,
    future::Future,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    definition::VALUE,
    entry::{is_expired, read_expiry},
    handle::KvCore,
    value::{KvValue, decode},
};
use crate::{
    codec::{ColumnSource, DecodeError},
    error::{Error, Result},
    maybe_send::BoxFuture,
    storage::RowReceiver,
    value::EncodedKey,
};

/// The value of a key, or `None`; from [`Kv::get`](super::Kv::get), to be awaited.
#[must_use = "a future does nothing unless it is awaited"]
pub struct KvGet<'a, V>(State<'a, V>);

enum State<'a, V> {
    New(&'a KvCore, EncodedKey),
    Waiting(BoxFuture<'a, Result<Option<V>>>),
    Done,
}

/// The value of the one entry that is asked for, and when it expires.
struct Found<V> {
    value: Option<V>,
    expires_at: Option<i64>,
}

impl<V: KvValue> RowReceiver for Found<V> {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        self.expires_at = read_expiry(source)?;
        self.value = Some(decode(source, VALUE)?);
        Ok(ControlFlow::Break(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<'a, V> KvGet<'a, V> {
    pub(super) const fn new(core: &'a KvCore, key: EncodedKey) -> Self {
        Self(State::New(core, key))
    }
}

/// The value, where it can be had at once; otherwise pending, with nobody who wakes.
fn at_once<V: KvValue>(core: &KvCore, key: &EncodedKey) -> Result<Poll<Option<V>>> {
    core.storage.definition().check_key(key)?;
    let mut found = Found::<V> { value: None, expires_at: None };
    if !core.storage.get_at_once(key, &mut found)? {
        return Ok(Poll::Pending);
    }
    if found.expires_at.is_some() && is_expired(found.expires_at, core.now()) {
        found.value = None;
    }
    Ok(Poll::Ready(found.value))
}

impl<V: KvValue> Future for KvGet<'_, V> {
    type Output = Result<Option<V>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if matches!(self.0, State::New(..))
            && let State::New(core, key) = std::mem::replace(&mut self.0, State::Done)
        {
            let is_heard_of = core.hub.is_listened_to()
                || tracing::enabled!(target: "storehouse", tracing::Level::DEBUG);
            if !is_heard_of && core.check_usable().is_ok() {
                match at_once(core, &key) {
                    Ok(Poll::Ready(value)) => return Poll::Ready(Ok(value)),
                    Ok(Poll::Pending) => {}
                    Err(error) => {
                        let name = core.storage.definition().name();
                        return Poll::Ready(Err(error.at(core.storage.backend(), name, "get")));
                    }
                }
            }
            self.0 = State::Waiting(core.get(key));
        }
        match &mut self.0 {
            State::Waiting(waiting) => {
                let polled = waiting.as_mut().poll(context);
                if polled.is_ready() {
                    self.0 = State::Done;
                }
                polled
            }
            State::New(..) | State::Done => Poll::Ready(Err(Error::closed(
                "this read was awaited before, and has given its value",
            ))),
        }
    }
}

impl<V> std::fmt::Debug for KvGet<'_, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KvGet").finish_non_exhaustive()
    }
}
