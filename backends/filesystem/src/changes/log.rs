//! A log in files as those who follow it see it: the same for tables and for key-value stores.

use std::{future::Future, sync::Arc, time::Duration};

use storehouse_runtime::{ChangeLog, EncodedRow, LogBatch, LogPosition, Result, TableDef};
use tokio::sync::watch as signal;

use super::{ChangeFiles, End, Look, Watch};
use crate::folder::{Folder, Held};

/// A store whose log can be followed.
pub(crate) trait Followed: Sized + Send + Sync + 'static {
    /// What is known of its rows at the end of the log.
    type Rows: Send;

    fn folder(&self) -> &Folder;

    fn changes(&self) -> &ChangeFiles;

    /// Whether anything has happened that no reader knows of. `seen` is what the last look left there.
    fn look(&self, seen: &mut Option<u64>) -> Look;

    /// Runs a job on the worker, under the folder's lock, at the end of the log as it is now. Fails
    /// where there is no log.
    fn at_end<R: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Self, &Held, Self::Rows, End) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> + Send;

    /// Every row.
    fn all(&self, held: &Held, rows: Self::Rows) -> Result<Vec<EncodedRow>>;
}

/// The log of one store.
pub(crate) struct FileLog<S> {
    store: Arc<S>,
    watch: Option<Arc<Watch>>,
}

impl<S: Followed> FileLog<S> {
    pub(crate) fn new(store: &Arc<S>) -> Self {
        let (looked_at, woken) = (Arc::downgrade(store), Arc::downgrade(store));
        let mut seen = None;
        let look = move || looked_at.upgrade().map_or(Look::Gone, |store| store.look(&mut seen));
        let wake = move || woken.upgrade().iter().for_each(|store| store.changes().wake());
        let watch = store.changes().watch.get_or(look, wake);
        Self { store: Arc::clone(store), watch }
    }
}

impl<S: Followed> ChangeLog for FileLog<S> {
    fn definition(&self) -> &Arc<TableDef> {
        self.store.changes().definition()
    }

    async fn now(&self) -> Result<LogPosition> {
        self.store.at_end(|_, _, _, end| Ok(end.position())).await
    }

    async fn snapshot(&self) -> Result<(Vec<EncodedRow>, LogPosition)> {
        let read = |store: &S, held: &Held, rows: S::Rows, end: End| {
            Ok((store.all(held, rows)?, end.position()))
        };
        self.store.at_end(read).await
    }

    async fn read(
        &self,
        after: LogPosition,
        until: Option<LogPosition>,
        limit: usize,
    ) -> Result<LogBatch> {
        let read = move |store: &S, held: &Held, _: S::Rows, end: End| {
            store.changes().read_on(store.folder(), held, end, &after, until, limit)
        };
        self.store.at_end(read).await
    }

    fn wake(&self) -> signal::Receiver<u64> {
        self.store.changes().subscribe()
    }

    fn poll_interval(&self) -> Duration {
        Watch::poll_interval(self.watch.as_deref())
    }
}
