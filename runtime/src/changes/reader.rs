//! One who follows a table's changes: where it is, and how it goes on.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::{
    future::{Either, select},
    pin_mut,
};
use tokio::sync::watch;

use super::{
    cursor::LogPosition,
    feed::{BATCH, ChangeFeed, Taken},
    log::LoggedChange,
    pause::Pause,
};
use crate::error::Result;

/// Follows the changes of one table, untyped.
pub(crate) struct ChangeReader {
    feed: Arc<ChangeFeed>,
    wake: watch::Receiver<u64>,
    /// The place behind what was taken from the buffer.
    at: LogPosition,
    place: Place,
    buffer: VecDeque<Arc<LoggedChange>>,
    poll_interval: Duration,
    pause: Pause,
}

/// Where the next changes come from.
enum Place {
    /// From the log.
    Behind,
    /// From the log up to a place, and then from the ring.
    CatchingUp { until: LogPosition, next: u64 },
    /// From the ring.
    Attached { next: u64 },
}

/// What the ring had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Took {
    /// Changes, or that they have to be read from the log.
    Something,
    /// Nothing, but the log has more.
    NothingYet,
    /// Nothing, and the log had nothing either.
    Nothing,
}

impl ChangeReader {
    pub(crate) fn new(feed: Arc<ChangeFeed>, at: LogPosition, poll: Option<Duration>) -> Self {
        let wake = feed.wake();
        let poll_interval = poll.unwrap_or_else(|| feed.poll_interval());
        let (place, buffer) = (Place::Behind, VecDeque::new());
        Self { feed, wake, at, place, buffer, poll_interval, pause: Pause::new() }
    }

    pub(super) const fn at(&self) -> &LogPosition {
        &self.at
    }

    /// The next change, if it is at hand.
    pub(super) fn take_buffered(&mut self) -> Option<Arc<LoggedChange>> {
        let change = self.buffer.pop_front()?;
        self.at = change.position.clone();
        Some(change)
    }

    /// Waits for the next change. Where the database cannot be reached, it is tried again for as
    /// long as that takes. Dropped, it has taken nothing.
    pub(crate) async fn next(&mut self) -> Result<Arc<LoggedChange>> {
        loop {
            if let Some(change) = self.take_buffered() {
                return Ok(change);
            }
            match self.fill().await {
                Ok(()) => self.pause.reset(),
                Err(error) => self.pause.after(error).await?,
            }
        }
    }

    /// Gets changes into the buffer, or waits until there may be some.
    async fn fill(&mut self) -> Result<()> {
        // Seen before the log is looked at, so that what comes meanwhile wakes again.
        self.wake.borrow_and_update();
        match &self.place {
            Place::Behind => self.read_on().await,
            Place::CatchingUp { .. } => self.catch_up(self.at.clone()).await,
            Place::Attached { next } => {
                let next = *next;
                if self.take(next) != Took::Something
                    && self.feed.advance().await
                    && self.take(next) == Took::Nothing
                {
                    self.wait().await;
                }
                Ok(())
            }
        }
    }

    /// Reads from the log, and looks for the way to the ring once that is all.
    async fn read_on(&mut self) -> Result<()> {
        // Not from the ring, which does not know what has been pruned.
        let batch = self.feed.log().read(self.at.clone(), None, BATCH).await?;
        self.buffer.extend(batch.changes.into_iter().map(Arc::new));
        if self.buffer.is_empty() {
            self.at = batch.end.clone();
        }
        if batch.is_last
            && let Some((until, next)) = self.feed.join(&batch.end).await
        {
            self.place = Place::CatchingUp { until, next };
            return self.catch_up(batch.end).await;
        }
        Ok(())
    }

    /// Reads from the log what lies between `from` and the place from which on the ring has it.
    async fn catch_up(&mut self, from: LogPosition) -> Result<()> {
        let Place::CatchingUp { until, next } = &self.place else { return Ok(()) };
        let (until, next) = (until.clone(), *next);
        let batch = self.feed.log().read(from, Some(until), BATCH).await?;
        self.buffer.extend(batch.changes.into_iter().map(Arc::new));
        if batch.is_last {
            self.place = Place::Attached { next };
            if self.buffer.is_empty() {
                self.at = batch.end;
            }
        }
        Ok(())
    }

    /// Takes from the ring what it has.
    fn take(&mut self, next: u64) -> Took {
        match self.feed.take(next) {
            Taken::Changes(changes, next) => {
                self.buffer.extend(changes);
                self.place = Place::Attached { next };
                Took::Something
            }
            Taken::End(end, is_last) => {
                self.at = end;
                if is_last { Took::Nothing } else { Took::NothingYet }
            }
            Taken::Dropped => {
                self.place = Place::Behind;
                Took::Something
            }
        }
    }

    async fn wait(&mut self) {
        let poll = futures_timer::Delay::new(self.poll_interval);
        let woken = self.wake.changed();
        pin_mut!(woken);
        // Where nobody can wake any more, only the clock does.
        if let Either::Left((Err(_), poll)) = select(woken, poll).await {
            poll.await;
        }
    }
}
