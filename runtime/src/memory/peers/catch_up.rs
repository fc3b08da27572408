//! What a tab does once it has the lock and before it writes: it looks who lives and who was where last, and
//! asks for what its own copy lacks.
//!
//! All of it happens under the lock, so that nobody writes meanwhile.

use std::time::Duration;

use futures::{
    future::{Either, join, select},
    pin_mut,
};

use super::{
    Peers,
    codec::Writer,
    contents::Contents,
    follow::Kept,
    message::{Body, Message, VERSION},
    place::{Living, Place, Tab},
    random,
};
use crate::error::{Error, Result};

/// How long to wait for an answer before looking again who lives, and asking again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// An echo comes at once; if the channel does not work, other things tell.
const ECHO: Duration = Duration::from_secs(1);

impl Peers {
    /// Brings the copy to the latest place. Gives the number of the tenure that can begin now, and
    /// whether there are other tabs.
    pub(super) async fn catch_up(&self) -> Result<(u64, bool)> {
        loop {
            // What a tab sent before it let go, or died, is on its way at most; the echo comes behind it.
            let (others, ()) = join(self.others(), self.wait_for_echo()).await;
            let others = others?;
            let place = self.place_among(&others);
            if let Some(tab) = ahead_of(place, self.tab, &others) {
                self.ask(tab, place).await;
                continue;
            }
            let greatest = others.iter().map(|other| other.place.tenure).max();
            let own = place.map(|place| place.tenure);
            if self.is_known_to_nobody() {
                self.say_where().await?;
            }
            return Ok((greatest.max(own).unwrap_or_default() + 1, !others.is_empty()));
        }
    }

    /// Where the copy is with all that has arrived.
    fn place_among(&self, others: &[Living]) -> Option<Place> {
        let mut state = self.state();
        if others.is_empty() {
            state.place.get_or_insert_default();
        }
        self.follow(&mut state);
        state.place
    }

    fn is_known_to_nobody(&self) -> bool {
        let mut state = self.state();
        // Whatever else waits is of tabs that are gone, and leads from where nobody is.
        state.early.clear();
        state.at.is_none()
    }

    /// The other tabs that live and have joined. Fails when one of them is of another version.
    async fn others(&self) -> Result<Vec<Living>> {
        let held = self.host.held().await?;
        let living = held.iter().filter_map(|name| self.names.living(name));
        let others: Vec<Living> = living.filter(|living| living.tab != self.tab).collect();
        match others.iter().find(|other| other.version != VERSION) {
            None => Ok(others),
            Some(other) => Err(Error::backend(
                format!(
                    "another tab shares this database by version {} of the protocol, and this one \
                     speaks version {VERSION}; reload both pages",
                    other.version
                ),
                None,
            )),
        }
    }

    /// Waits until what was sent to this tab before has arrived.
    async fn wait_for_echo(&self) {
        let token = random();
        self.host.post_to_all(&Message { from: self.tab, body: Body::Echo { token } }.write());
        self.wait_until(ECHO, || self.state().echo == Some(token)).await;
    }

    /// Asks a tab for what comes after `place`, and waits for the answer, or not any longer.
    async fn ask(&self, tab: Tab, place: Option<Place>) {
        let question = random();
        self.state().question = Some(question);
        self.say(Body::Ask { to: tab, question, place });
        self.wait_until(ASK_AGAIN, || self.state().question.is_none()).await;
        self.state().question = None;
    }

    async fn wait_until(&self, at_most: Duration, is_so: impl Fn() -> bool) {
        let mut news = self.news.subscribe();
        let heard = async {
            while !is_so() {
                if news.changed().await.is_err() {
                    return;
                }
            }
        };
        let sleep = self.host.sleep(at_most);
        pin_mut!(heard);
        match select(heard, sleep).await {
            Either::Left(_) | Either::Right(_) => {}
        }
    }

    /// Answers a tab that may write next, where this one has something.
    pub(super) fn answer(&self, to: Tab, question: u64, asker: Option<Place>) {
        let state = self.state();
        let Some(place) = state.place else { return };
        if let Some(asker) = asker {
            let missed = state.kept.after(asker).map(|missed| missed.cloned().collect::<Vec<_>>());
            let missed = missed.or_else(|| (asker == place).then(Vec::new));
            if let Some(missed) = missed {
                drop(state);
                for message in &missed {
                    self.host.post(message);
                }
                self.say(Body::Answer { to, question, place, contents: None });
                return;
            }
        }
        drop(state);
        let Some(database) = self.database.upgrade() else { return };
        let mut writer = Writer::default();
        Contents::whole(&database).write(&mut writer);
        let contents = writer.finish();
        self.say(Body::Answer { to, question, place, contents: Some(&contents) });
    }

    /// Takes an answer, unless nobody waits for it any more.
    pub(super) fn hear_answer(&self, question: u64, place: Place, contents: Option<&[u8]>) {
        let mut state = self.state();
        if state.question != Some(question) {
            return;
        }
        state.question = None;
        let Some(contents) = contents else { return };
        let knows_it = state.place == Some(place) || state.kept.after(place).is_some();
        if knows_it {
            return;
        }
        match self.apply(contents, true) {
            Ok(()) => {
                state.place = Some(place);
                state.kept = Kept::default();
                self.follow(&mut state);
            }
            Err(error) => tracing::error!(%error, "what another tab holds cannot be taken over"),
        }
    }
}

/// The tab to ask, where one is ahead of `place`.
fn ahead_of(place: Option<Place>, tab: Tab, others: &[Living]) -> Option<Tab> {
    let latest = others.iter().max_by_key(|other| other.place)?;
    let Some(place) = place else { return Some(latest.tab) };
    // Two tabs wrote in one tenure: one that died before this one heard of it. Whoever lives is right.
    let is_twin = |other: &&Living| {
        other.place.tab == other.tab && place.tab != tab && other.place.is_twin_of(place)
    };
    let twin = others.iter().find(is_twin);
    let later = Some(latest).filter(|latest| latest.place > place);
    twin.or(later).map(|other| other.tab)
}
