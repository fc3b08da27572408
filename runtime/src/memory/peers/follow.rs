//! What a tab does that others write: the same, in the same order, each write at the place where it begins.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    Peers, State,
    codec::Reader,
    contents::{Baseline, Contents},
    place::Place,
};
use crate::error::{Error, Result};

/// How long something may be missing before the tab sees to it by itself.
const OVERDUE: Duration = Duration::from_millis(250);
/// So many writes are kept for tabs that missed some, and so many bytes of them.
const KEPT: usize = 256;
const KEPT_BYTES: usize = 1 << 20;
/// So many writes wait for one that should have come before them.
const EARLY: usize = 1_024;

/// The last writes, each from one place to the next.
#[derive(Default)]
pub(super) struct Kept {
    writes: VecDeque<(Place, Arc<[u8]>)>,
    bytes: usize,
}

/// What was written after something that has not come yet.
pub(super) struct Early {
    pub(super) base: Place,
    pub(super) place: Place,
    pub(super) contents: Vec<u8>,
    pub(super) message: Arc<[u8]>,
}

impl Kept {
    /// Keeps a message by which others come from `base` to what follows.
    pub(super) fn add(&mut self, base: Place, message: Arc<[u8]>) {
        self.bytes += message.len();
        self.writes.push_back((base, message));
        while self.writes.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some((_, message)) = self.writes.pop_front() else { break };
            self.bytes -= message.len();
        }
    }

    /// What was written after `place`; `None` where that is not known.
    pub(super) fn after(&self, place: Place) -> Option<impl Iterator<Item = &Arc<[u8]>>> {
        let position = self.writes.iter().position(|(base, _)| *base == place)?;
        Some(self.writes.range(position..).map(|(_, message)| message))
    }
}

impl Peers {
    /// Does what another tab did, or keeps it until what came before is done.
    pub(super) fn hear_written(&self, written: Early) {
        let mut state = self.state();
        // While this tab may write nobody else does: it is late, from a tab that died.
        let Some(at) = state.place.filter(|_| state.tenure.is_none()) else { return };
        if at.is_past(written.place) || state.early.iter().any(|it| it.place == written.place) {
            return;
        }
        if state.early.len() == EARLY {
            state.early.remove(0);
        }
        state.early.push(written);
        self.follow(&mut state);
        let is_missing = !state.early.is_empty() || state.place.is_none();
        drop(state);
        if is_missing {
            self.see_to_it_later();
        }
    }

    /// Does what others did, as far as it follows on what is here.
    pub(super) fn follow(&self, state: &mut State) {
        while let Some(at) = state.place {
            state.early.retain(|early| !at.is_past(early.place));
            let next = state.early.iter().position(|early| early.base == at);
            let Some(next) = next else { return };
            let Early { base, place, contents, message } = state.early.swap_remove(next);
            match self.apply(&contents, false) {
                Ok(()) => {
                    state.place = Some(place);
                    state.kept.add(base, message);
                }
                Err(error) => {
                    tracing::error!(%error, "what another tab wrote cannot be done here; asking it anew");
                    state.place = None;
                }
            }
        }
        state.early.clear();
    }

    pub(super) fn apply(&self, contents: &[u8], is_whole: bool) -> Result<()> {
        let Some(database) = self.database.upgrade() else { return Ok(()) };
        let mut reader = Reader::new(contents);
        let read = Contents::read(&mut reader, &database);
        let contents = read.and_then(|contents| reader.end().map(|()| contents)).map_err(|_| {
            Error::backend("another tab sent what this one cannot read; reload both pages", None)
        })?;
        if is_whole { contents.replace(&database) } else { contents.apply(&database) }
    }

    /// If something is still missing after a while, gets it.
    fn see_to_it_later(&self) {
        let (sleep, itself) = (self.host.sleep(OVERDUE), self.itself.clone());
        self.host.spawn(Box::pin(async move {
            sleep.await;
            let Some(peers) = itself.upgrade() else { return };
            let is_missing = !peers.state().early.is_empty() || peers.state().place.is_none();
            if is_missing && let Err(error) = peers.enter().await {
                tracing::warn!(%error, "something that another tab wrote is missing");
            }
        }));
    }

    /// Forgets what it held and where it was, and joins again.
    pub(super) fn begin_anew(&self) {
        let before = std::mem::take(&mut *self.state());
        self.state().sessions = before.sessions;
        if let Some(database) = self.database.upgrade() {
            Baseline::end(&database);
        }
        drop(before);
        self.see_to_it_later();
    }
}
