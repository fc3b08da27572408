//! One who follows a log from some place on: what was asked for with [`Since`], then whatever comes.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    change::Since,
    cursor::{Behind, ChangeCursor, LogPosition},
    feed::ChangeFeed,
    log::LoggedChange,
    reader::ChangeReader,
};
use crate::{definition::TableDef, error::Result, value::EncodedRow};

/// Every change of a log from some place on, untyped.
pub(crate) struct LogFollower {
    reader: ChangeReader,
    /// What is left of a snapshot.
    snapshot: VecDeque<LoggedChange>,
    began: Behind,
}

impl LogFollower {
    pub(crate) async fn begin(
        feed: Arc<ChangeFeed>,
        definition: &TableDef,
        since: Since,
        poll_interval: Option<Duration>,
    ) -> Result<Self> {
        let (at, snapshot) = match since {
            Since::Now => (feed.log().now().await?, None),
            Since::Snapshot => of_snapshot(feed.log().snapshot().await?),
            Since::After(cursor) => match cursor.behind() {
                Behind::Snapshot => {
                    cursor.position(definition)?;
                    of_snapshot(feed.log().snapshot().await?)
                }
                Behind::Change | Behind::Time => {
                    let at = cursor.position(definition)?.clone();
                    // So that a cursor that is too old is told at once.
                    feed.log().read(at.clone(), None, 1).await?;
                    (at, None)
                }
            },
        };
        let began = if snapshot.is_some() { Behind::Snapshot } else { Behind::Time };
        let reader = ChangeReader::new(feed, at, poll_interval);
        Ok(Self { reader, snapshot: snapshot.unwrap_or_default(), began })
    }

    /// Leaves rows of the snapshot out.
    pub(crate) fn keep_of_snapshot(&mut self, is_wanted: impl Fn(&EncodedRow) -> bool) {
        self.snapshot.retain(|change| change.new.as_ref().is_none_or(&is_wanted));
    }

    /// The place where it began.
    pub(crate) fn cursor(&self, definition: &TableDef) -> ChangeCursor {
        ChangeCursor::new(self.began, definition, self.reader.at().clone())
    }

    /// What is left of the snapshot.
    pub(crate) fn next_of_snapshot(&mut self) -> Option<LoggedChange> {
        self.snapshot.pop_front()
    }

    /// Waits for the next change that was logged. Dropped, it has taken nothing.
    pub(crate) async fn next_logged(&mut self) -> Result<Arc<LoggedChange>> {
        self.reader.next().await
    }

    /// Passes over what was read already.
    pub(crate) fn take_what_is_at_hand(&mut self) {
        while self.reader.take_buffered().is_some() {}
    }
}

fn of_snapshot(
    (rows, at): (Vec<EncodedRow>, LogPosition),
) -> (LogPosition, Option<VecDeque<LoggedChange>>) {
    let changes = LoggedChange::of_snapshot(rows, &at).collect();
    (at, Some(changes))
}
