//! Following a table's changes: how one begins, and what one gets.

use std::{
    collections::VecDeque,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{
    Stream, StreamExt as _,
    future::{Either, select},
    pin_mut,
};

use super::{
    change::{Change, Since},
    cursor::{Behind, ChangeCursor, LogPosition},
    feed::ChangeFeed,
    log::{ChangeKind, LoggedChange},
    reader::ChangeReader,
};
use crate::{
    definition::TableDef,
    error::{Error, Result},
    filter::{Filter, FilterTree},
    maybe_send::{BoxFuture, BoxStream, MaybeSend, MaybeSync},
    table::Row,
    tabular::Core,
    value::{EncodedRow, Value},
};

/// Changes that are about to be followed, from [`Tabular::changes`](crate::Tabular::changes);
/// awaiting it begins.
#[must_use = "nothing is followed until it is awaited"]
pub struct ChangesBuilder<T> {
    core: Arc<Core>,
    since: Since,
    filter: FilterTree,
    poll_interval: Option<Duration>,
    marker: PhantomData<fn() -> T>,
}

impl<T: Row> ChangesBuilder<T> {
    pub(crate) fn new(core: Arc<Core>, since: Since) -> Self {
        let filter = Filter::<T>::all().into_tree();
        Self { core, since, filter, poll_interval: None, marker: PhantomData }
    }

    /// Only changes of which the old or the new row matches. A row that comes to match by an
    /// update, or no longer matches after one, is among them.
    pub fn filter(mut self, filter: Filter<T>) -> Self {
        self.filter = self.filter.and(filter.into_tree());
        self
    }

    /// Looks at the log that often, at least, also when nobody says that there is something new;
    /// as often as the backend finds right unless set.
    pub fn poll_interval(mut self, poll_interval: Duration) -> Self {
        self.poll_interval = Some(poll_interval);
        self
    }

    async fn begin(self) -> Result<Changes<T>> {
        let core = Arc::clone(&self.core);
        core.run("changes", async {
            let core = Arc::clone(&core);
            let followed = Followed::begin(core, self.since, self.filter, self.poll_interval);
            let followed = followed.await?;
            let cursor = followed.cursor();
            let stream =
                followed.into_stream(|change, definition| change.typed(definition).map(Some));
            Ok(Changes { stream, cursor })
        })
        .await
    }
}

impl<T: Row> IntoFuture for ChangesBuilder<T> {
    type Output = Result<Changes<T>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

impl<T> std::fmt::Debug for ChangesBuilder<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangesBuilder")
            .field("since", &self.since)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

/// The changes of a table, in order: a stream, from
/// [`Tabular::changes`](crate::Tabular::changes). Dropping it ends it.
///
/// It ends when the handle is destroyed, and after an error that does not go away by itself. While
/// the database cannot be reached it waits, and then goes on where it was.
pub struct Changes<T: Row> {
    stream: BoxStream<'static, Result<Change<T>>>,
    cursor: ChangeCursor,
}

impl<T: Row> Changes<T> {
    /// The next change, once there is one; `None` when there will be none.
    ///
    /// The future can be dropped: what it would have given comes next.
    pub async fn try_next(&mut self) -> Result<Option<Change<T>>> {
        self.next().await.transpose()
    }

    /// Stands behind what was taken so far; at first, where it began.
    pub const fn cursor(&self) -> &ChangeCursor {
        &self.cursor
    }
}

impl<T: Row> Stream for Changes<T> {
    type Item = Result<Change<T>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.stream.as_mut().poll_next(context));
        if let Some(Ok(change)) = &next {
            self.cursor = change.cursor.clone();
        }
        Poll::Ready(next)
    }
}

impl<T: Row> std::fmt::Debug for Changes<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

/// What can be followed: what a handle shares with its clones.
pub(crate) trait Followable: MaybeSend + MaybeSync + 'static {
    /// The table that the log is of.
    fn definition(&self) -> &Arc<TableDef>;
    /// The log; fails where the definition asks for none.
    fn feed(&self) -> Result<Arc<ChangeFeed>>;
    /// The filter, checked, and without what is hidden from the handle.
    fn scope(&self, filter: FilterTree) -> Result<FilterTree>;
    /// The column by which rows are hidden from the handle, where some are.
    fn hidden_by(&self) -> Option<usize>;
    /// Waits until the handle is destroyed.
    fn closed(&self) -> BoxFuture<'_, ()>;
    /// Whether that has happened.
    fn is_closed(&self) -> bool;
    /// Says in an error where it comes from.
    fn at(&self, error: Error) -> Error;
}

/// Changes that pass a filter, untyped.
pub(crate) struct Followed {
    core: Arc<dyn Followable>,
    filter: FilterTree,
    reader: ChangeReader,
    /// What is left of a snapshot.
    snapshot: VecDeque<LoggedChange>,
    began: Behind,
}

impl Followed {
    pub(crate) async fn begin(
        core: Arc<dyn Followable>,
        since: Since,
        filter: FilterTree,
        poll_interval: Option<Duration>,
    ) -> Result<Self> {
        let definition = core.definition();
        let feed = core.feed()?;
        let filter = core.scope(filter)?;
        let (at, snapshot) = match since {
            Since::Now => (feed.log().now().await?, None),
            Since::Snapshot => snapshot(feed.log().snapshot().await?),
            Since::After(cursor) => match cursor.behind() {
                Behind::Snapshot => {
                    cursor.position(definition)?;
                    snapshot(feed.log().snapshot().await?)
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
        let snapshot = snapshot.into_iter().flatten();
        let wanted =
            |change: &LoggedChange| change.new.as_ref().is_none_or(|row| filter.matches(&row.0));
        let snapshot = snapshot.filter(wanted).collect();
        let reader = ChangeReader::new(feed, at, poll_interval);
        Ok(Self { core, filter, reader, snapshot, began })
    }

    pub(crate) fn cursor(&self) -> ChangeCursor {
        ChangeCursor::new(self.began, self.core.definition(), self.reader.at().clone())
    }

    /// Waits for the next change that passes; `None` when the handle was destroyed.
    pub(crate) async fn next(&mut self) -> Result<Option<Arc<LoggedChange>>> {
        if let Some(change) = self.snapshot.pop_front() {
            return Ok(Some(Arc::new(change)));
        }
        let Self { core, filter, reader, .. } = self;
        loop {
            if core.is_closed() {
                return Ok(None);
            }
            let change = if let Some(change) = reader.take_buffered() {
                change
            } else {
                let next = reader.next();
                pin_mut!(next);
                match select(core.closed(), next).await {
                    Either::Left(_) => return Ok(None),
                    Either::Right((change, _)) => change?,
                }
            };
            let rows = [&change.old, &change.new];
            if rows.into_iter().flatten().any(|row| filter.matches(&row.0)) {
                return Ok(Some(as_seen(change, core.hidden_by())));
            }
        }
    }

    /// Passes over what was read already.
    pub(crate) fn take_what_is_at_hand(&mut self) {
        while self.reader.take_buffered().is_some() {}
    }

    /// Each change as `typed` makes it, which leaves out those that it makes nothing of.
    pub(crate) fn into_stream<C: MaybeSend + 'static>(
        self,
        typed: impl Fn(&LoggedChange, &Arc<TableDef>) -> Result<Option<C>> + MaybeSend + 'static,
    ) -> BoxStream<'static, Result<C>> {
        Box::pin(futures::stream::unfold(Some((self, typed)), async |state| {
            let (mut followed, typed) = state?;
            loop {
                let change = match followed.next().await {
                    Ok(change) => typed(&*change?, followed.core.definition()),
                    Err(error) => Err(error),
                };
                match change {
                    Ok(Some(change)) => return Some((Ok(change), Some((followed, typed)))),
                    Ok(None) => {}
                    Err(error) => return Some((Err(followed.core.at(error)), None)),
                }
            }
        }))
    }
}

/// What a change is to a handle that does not see rows in which the column `hidden_by` is set: a row
/// that is marked as deleted is gone, and one that is restored is new.
///
/// One that is hidden before and after does not come here, since it passes no filter of the handle.
fn as_seen(change: Arc<LoggedChange>, hidden_by: Option<usize>) -> Arc<LoggedChange> {
    let Some(column) = hidden_by else { return change };
    let is_hidden = |row: &Option<EncodedRow>| {
        row.as_ref().is_some_and(|row| !matches!(row.0[column], Value::Null))
    };
    let (old, new) = (is_hidden(&change.old), is_hidden(&change.new));
    if !old && !new {
        return change;
    }
    let mut change = Arc::unwrap_or_clone(change);
    if old {
        (change.kind, change.old) = (ChangeKind::Insert, None);
    }
    if new {
        (change.kind, change.new) = (ChangeKind::Delete, None);
    }
    Arc::new(change)
}

type Snapshot = Vec<LoggedChange>;

fn snapshot((rows, at): (Vec<EncodedRow>, LogPosition)) -> (LogPosition, Option<Snapshot>) {
    let changes = LoggedChange::of_snapshot(rows, &at).collect();
    (at, Some(changes))
}
