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
    /// Whether the log is to be read before anything is waited for: always, until a read has found
    /// nothing.
    is_due: bool,
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
        let (is_due, pause) = (true, Pause::new());
        Self { feed, wake, at, place, is_due, buffer, poll_interval, pause }
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
        match &self.place {
            Place::Behind => {
                self.begin_reading();
                self.read_on().await
            }
            Place::CatchingUp { .. } => {
                self.begin_reading();
                self.catch_up(self.at.clone()).await
            }
            Place::Attached { next } => {
                let next = *next;
                match self.take(next) {
                    Took::Something => return Ok(()),
                    Took::NothingYet => {}
                    Took::Nothing => {
                        if !self.is_due {
                            self.wait().await;
                            self.is_due = true;
                        }
                        self.feed.rest().await;
                    }
                }
                self.begin_reading();
                if self.feed.advance().await && self.take(next) == Took::Nothing {
                    self.is_due = false;
                }
                Ok(())
            }
        }
    }

    /// Called before the log is looked at, so that what comes meanwhile wakes again.
    fn begin_reading(&mut self) {
        self.wake.borrow_and_update();
        self.is_due = true;
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

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU64, AtomicUsize, Ordering},
        time::Instant,
    };

    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;
    use crate::{
        changes::log::{ChangeKind, ChangeLog, LogBatch},
        definition::TableDef,
        test_table,
        value::EncodedRow,
    };

    /// A log of changes without rows, which counts how often it is read.
    #[derive(Clone)]
    struct Counted(Arc<State>);

    struct State {
        definition: Arc<TableDef>,
        last: AtomicU64,
        reads: AtomicUsize,
        read_takes: Duration,
        wake: watch::Sender<u64>,
    }

    impl Counted {
        fn new(read_takes: Duration) -> Self {
            Self(Arc::new(State {
                definition: test_table::definition(),
                last: AtomicU64::new(0),
                reads: AtomicUsize::new(0),
                read_takes,
                wake: watch::channel(0).0,
            }))
        }

        fn commit_quietly(&self) {
            self.0.last.fetch_add(1, Ordering::SeqCst);
        }

        fn commit(&self) {
            self.commit_quietly();
            self.0.wake.send_modify(|woken| *woken += 1);
        }

        fn reads(&self) -> usize {
            self.0.reads.load(Ordering::SeqCst)
        }

        const fn position(id: u64) -> LogPosition {
            LogPosition { log: Uuid::nil(), id, detail: None }
        }

        fn follow(&self) -> ChangeReader {
            let feed = Arc::new(ChangeFeed::new(self.clone()));
            ChangeReader::new(feed, Self::position(0), None)
        }
    }

    impl ChangeLog for Counted {
        fn definition(&self) -> &Arc<TableDef> {
            &self.0.definition
        }

        async fn now(&self) -> Result<LogPosition> {
            Ok(Self::position(self.0.last.load(Ordering::SeqCst)))
        }

        async fn snapshot(&self) -> Result<(Vec<EncodedRow>, LogPosition)> {
            Ok((Vec::new(), self.now().await?))
        }

        async fn read(
            &self,
            after: LogPosition,
            until: Option<LogPosition>,
            limit: usize,
        ) -> Result<LogBatch> {
            self.0.reads.fetch_add(1, Ordering::SeqCst);
            futures_timer::Delay::new(self.0.read_takes).await;
            let last = self.0.last.load(Ordering::SeqCst);
            let last = until.map_or(last, |until| until.id.min(last));
            let end = last.min(after.id + limit as u64);
            let change = |id| LoggedChange {
                kind: ChangeKind::Insert,
                at: 0,
                old: None,
                new: None,
                position: Self::position(id),
            };
            let changes = (after.id + 1..=end).map(change).collect();
            Ok(LogBatch { changes, end: Self::position(end), is_last: end == last })
        }

        fn wake(&self) -> watch::Receiver<u64> {
            self.0.wake.subscribe()
        }

        fn poll_interval(&self) -> Duration {
            Duration::from_hours(1)
        }
    }

    async fn next(reader: &mut ChangeReader) -> u64 {
        let change = tokio::time::timeout(Duration::from_mins(1), reader.next()).await;
        change.expect("a change comes").unwrap().position.id
    }

    async fn nothing_comes(reader: &mut ChangeReader) {
        let change = tokio::time::timeout(Duration::from_millis(20), reader.next()).await;
        assert!(change.is_err());
    }

    #[tokio::test]
    async fn who_has_read_everything_reads_again_when_it_is_woken() {
        let log = Counted::new(Duration::ZERO);
        let mut reader = log.follow();
        for id in 1..20 {
            log.commit();
            assert_eq!(next(&mut reader).await, id);
            // Until a read finds nothing.
            nothing_comes(&mut reader).await;
            let before = log.reads();
            nothing_comes(&mut reader).await;
            assert_eq!(log.reads(), before, "nothing woke it");
        }
    }

    #[tokio::test]
    async fn what_came_after_the_wake_up_is_not_left_for_the_next() {
        let log = Counted::new(Duration::ZERO);
        let mut reader = log.follow();
        log.commit();
        assert_eq!(next(&mut reader).await, 1);
        nothing_comes(&mut reader).await;
        log.commit();
        assert_eq!(next(&mut reader).await, 2);
        // Whoever tells of commits may tell of several at once, and then be silent for a while.
        log.commit_quietly();
        assert_eq!(next(&mut reader).await, 3);
    }

    #[tokio::test]
    async fn a_wake_up_is_not_lost_with_who_was_woken() {
        let log = Counted::new(Duration::from_millis(2));
        let mut reader = log.follow();
        log.commit();
        assert_eq!(next(&mut reader).await, 1);
        nothing_comes(&mut reader).await;
        log.commit();
        // It goes away wherever it is: while the log rests, or is read.
        for microseconds in (0..4_000).step_by(500) {
            let patience = Duration::from_micros(microseconds);
            if let Ok(change) = tokio::time::timeout(patience, reader.next()).await {
                assert_eq!(change.unwrap().position.id, 2);
                return;
            }
        }
        assert_eq!(next(&mut reader).await, 2);
    }

    #[tokio::test]
    async fn a_log_that_was_just_read_is_left_alone_for_a_moment() {
        let log = Counted::new(Duration::from_millis(2));
        let feed = Arc::new(ChangeFeed::new(log.clone()));
        assert!(feed.rest().now_or_never().is_some(), "it was never read");
        feed.advance().await;
        feed.advance().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(feed.rest().now_or_never().is_some(), "that was long ago");
        // Where the machine stands still for as long, there is nothing to see.
        let rested = async |feed: &Arc<ChangeFeed>| {
            feed.advance().await;
            let since = Instant::now();
            feed.rest().await;
            since.elapsed() > Duration::from_millis(2)
        };
        for _ in 0..100 {
            if rested(&feed).await {
                return;
            }
        }
        panic!("it is read without a pause");
    }
}
