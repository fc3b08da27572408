//! One database in several tabs of a browser: each has a copy of the whole, and they are kept the same.
//!
//! One tab at a time may write, the one that holds a lock of the browser; it keeps the lock until another
//! wants it, so that a tab that is alone does not ask before each write. What it writes it sends to the
//! others at once, from one place to the next ([`Place`]). Before it lets the lock go it takes another, whose
//! name says where it is, and whoever gets the first looks at those names: if its own copy is behind, it
//! asks before it writes. That is also how a tab joins. Since nobody else writes meanwhile, nothing can get
//! lost between a question and its answer.
//!
//! Everything but `browser` runs natively too, in a simulation (`simulation`, `tests`).

#[cfg(target_family = "wasm")]
mod browser;
mod catch_up;
mod codec;
mod contents;
mod definition;
mod follow;
mod host;
mod message;
mod place;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures::{
    future::{Either, select},
    pin_mut,
};
use tokio::sync::watch;

#[cfg(target_family = "wasm")]
pub(super) use self::browser::host;
pub(super) use self::host::Host;
use self::{
    codec::Writer,
    contents::Baseline,
    follow::{Early, Kept},
    host::{Heard, Held},
    message::{Body, Message, Unreadable},
    place::{LockNames, Place, Tab},
};
use super::database::{Database, PATIENCE};
use crate::error::{Error, Result};

/// How often a tab that waits says so. Who did not have the lock when it heard so hears it again.
const SAY_AGAIN: Duration = Duration::from_millis(100);

/// This tab's part in a database of several.
pub(super) struct Peers {
    names: LockNames,
    tab: Tab,
    host: Arc<dyn Host>,
    database: Weak<Database>,
    itself: Weak<Self>,
    state: Mutex<State>,
    /// One at a time asks for the lock, for all of this tab who wait.
    taking: tokio::sync::Mutex<()>,
    /// Changes when something came that somebody may wait for.
    news: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    /// Where the copy is; nowhere before it has joined, or once it is known to be wrong.
    place: Option<Place>,
    /// The lock whose name tells others so.
    at: Option<(Place, Held)>,
    /// While this tab may write.
    tenure: Option<Tenure>,
    /// How many writes and transactions are under way.
    sessions: usize,
    /// Whether another tab waits.
    is_wanted: bool,
    /// What was written last, by whomever.
    kept: Kept,
    /// What was written after something that has not come yet.
    early: Vec<Early>,
    /// What this tab asked and has no answer to.
    question: Option<u64>,
    /// The last echo of its own that it heard.
    echo: Option<u64>,
}

/// While a tab may write.
struct Tenure {
    number: u64,
    /// What the others know; none where there are no others, since none can join without the lock.
    baseline: Option<Baseline>,
    /// Whether something may have been written of which nobody was told.
    is_untold: bool,
    lock: Held,
}

/// The right to write, for one write or transaction. When it ends, the others are told.
pub(super) struct Session(Arc<Peers>);

impl Drop for Session {
    fn drop(&mut self) {
        self.0.end_session();
    }
}

impl Peers {
    pub(super) fn new(name: &str, host: Arc<dyn Host>, database: Weak<Database>) -> Arc<Self> {
        Arc::new_cyclic(|itself: &Weak<Self>| {
            let peers = itself.clone();
            host.listen(Box::new(move |heard| {
                if let Some(peers) = peers.upgrade() {
                    match heard {
                        Heard::Message(message) => peers.hear(message),
                        Heard::Back => peers.begin_anew(),
                    }
                }
            }));
            Self {
                names: LockNames::new(name),
                tab: random(),
                host,
                database,
                itself: itself.clone(),
                state: Mutex::default(),
                taking: tokio::sync::Mutex::default(),
                news: watch::Sender::new(()),
            }
        })
    }

    /// Waits until this tab may write, with all in its copy that others wrote before.
    pub(super) async fn enter(self: &Arc<Self>) -> Result<Session> {
        if let Some(session) = self.begin_session() {
            return Ok(session);
        }
        let taken = self.take();
        let patience = self.host.sleep(PATIENCE);
        pin_mut!(taken);
        match select(taken, patience).await {
            Either::Left((session, _)) => session,
            Either::Right(_) => Err(Error::busy(format!(
                "another tab has had the database for {} seconds, in a transaction perhaps, or does not \
                 answer; try again, or close it",
                PATIENCE.as_secs()
            ))),
        }
    }

    async fn take(self: &Arc<Self>) -> Result<Session> {
        let _one = self.taking.lock().await;
        if let Some(session) = self.begin_session() {
            return Ok(session);
        }
        let lock = self.wait_for_lock().await?;
        let (number, has_others) = self.catch_up().await?;
        let Some(database) = self.database.upgrade() else {
            return Err(Error::closed("the database was closed; open it again"));
        };
        let baseline = has_others.then(|| Baseline::of(&database));
        self.state().tenure = Some(Tenure { number, baseline, is_untold: false, lock });
        match self.begin_session() {
            Some(session) => Ok(session),
            None => unreachable!("nothing was awaited since the tenure began"),
        }
    }

    fn begin_session(self: &Arc<Self>) -> Option<Session> {
        let mut state = self.state();
        state.tenure.as_ref()?;
        state.sessions += 1;
        drop(state);
        Some(Session(Arc::clone(self)))
    }

    async fn wait_for_lock(&self) -> Result<Held> {
        let mut lock = self.host.lock(&self.names.write);
        loop {
            self.say(Body::Wanted);
            match select(lock, self.host.sleep(SAY_AGAIN)).await {
                Either::Left((lock, _)) => return lock,
                Either::Right(((), waiting)) => lock = waiting,
            }
        }
    }

    fn end_session(&self) {
        let mut state = self.state();
        state.sessions -= 1;
        self.tell(&mut state);
        let is_over = state.sessions == 0 && state.is_wanted;
        let over = is_over.then(|| state.tenure.take()).flatten();
        drop(state);
        self.end(over);
    }

    /// Tells the others what was written.
    fn tell(&self, state: &mut State) {
        let State { place: Some(at), tenure: Some(tenure), kept, .. } = state else { return };
        let Some(database) = self.database.upgrade() else { return };
        let Some(baseline) = &mut tenure.baseline else {
            tenure.is_untold = true;
            return;
        };
        let contents = baseline.take(&database);
        if contents.is_empty() {
            return;
        }
        let (base, place) = (*at, at.next(tenure.number, self.tab));
        let mut writer = Writer::default();
        contents.write(&mut writer);
        let body = Body::Written { base, place, contents: &writer.finish() };
        let message = Message { from: self.tab, body }.write();
        self.host.post(&message);
        *at = place;
        kept.add(base, message.into());
    }

    /// Lets others write, once the name of a lock tells them where this tab is.
    fn end(&self, tenure: Option<Tenure>) {
        let Some(tenure) = tenure else { return };
        let mut state = self.state();
        state.is_wanted = false;
        if tenure.is_untold {
            // Nobody was there to be told; who comes now gets everything.
            state.kept = Kept::default();
            state.place = state.place.map(|place| place.next(tenure.number, self.tab));
        }
        if let Some(database) = self.database.upgrade().filter(|_| tenure.baseline.is_some()) {
            Baseline::end(&database);
        }
        let is_told = state.place.is_none_or(|place| state.is_at(place));
        drop(state);
        if is_told {
            return;
        }
        let (lock, itself) = (tenure.lock, self.itself.clone());
        self.host.spawn(Box::pin(async move {
            if let Some(peers) = itself.upgrade()
                && let Err(error) = peers.say_where().await
            {
                tracing::error!(%error, "other tabs cannot learn what this one wrote");
            }
            drop(lock);
        }));
    }

    /// Takes the lock whose name says where this tab is, and lets go the one that said so before.
    async fn say_where(&self) -> Result<()> {
        let place = self.state().place;
        let Some(place) = place.filter(|place| !self.state().is_at(*place)) else { return Ok(()) };
        let living = place::Living { version: message::VERSION, tab: self.tab, place };
        let held = self.host.lock(&self.names.at(living)).await?;
        let before = self.state().at.replace((place, held));
        drop(before);
        Ok(())
    }

    fn say(&self, body: Body<'_>) {
        self.host.post(&Message { from: self.tab, body }.write());
    }

    /// Takes in what another tab says.
    fn hear(&self, bytes: &[u8]) {
        let message = match Message::read(bytes) {
            Ok(message) => message,
            Err(Unreadable::Version(version)) => {
                tracing::warn!(
                    version,
                    "a tab with another version of Storehouse is open; reload both"
                );
                // It may wait, to be told so by the names of the locks.
                self.hear_wanted();
                return;
            }
            Err(Unreadable::Malformed) => {
                tracing::warn!("a message between tabs cannot be read and is left out");
                return;
            }
        };
        match message.body {
            Body::Wanted => self.hear_wanted(),
            Body::Written { base, place, contents } => {
                self.hear_written(Early {
                    base,
                    place,
                    contents: contents.to_vec(),
                    message: bytes.into(),
                });
            }
            Body::Ask { to, question, place } if to == self.tab => {
                self.answer(message.from, question, place);
            }
            Body::Answer { to, question, place, contents } if to == self.tab => {
                self.hear_answer(question, place, contents);
            }
            Body::Echo { token } if message.from == self.tab => {
                self.state().echo = Some(token);
            }
            Body::Ask { .. } | Body::Answer { .. } | Body::Echo { .. } => {}
        }
        self.news.send_replace(());
    }

    fn hear_wanted(&self) {
        let mut state = self.state();
        state.is_wanted = true;
        let is_idle = state.sessions == 0;
        let over = is_idle.then(|| state.tenure.take()).flatten();
        drop(state);
        self.end(over);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether others are told that this tab is at that place.
    fn is_at(&self, place: Place) -> bool {
        self.at.as_ref().is_some_and(|(at, _)| *at == place)
    }
}

/// A number that no other tab has.
fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}
