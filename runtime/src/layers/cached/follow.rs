//! Following a table's changes, so that what others write is forgotten.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicBool, Ordering},
};

use futures::future::{AbortHandle, abortable};
use tokio::runtime::Handle;

use super::rows::RowCache;
use crate::{
    changes::{ChangeFeed, ChangeReader},
    error::{Error, Result},
};

/// Whether the changes of a table are followed. Dropping it ends that.
#[derive(Debug, Default)]
pub(super) struct Following {
    is_on: AtomicBool,
    /// Held while it is begun, so that it is begun once.
    beginning: tokio::sync::Mutex<()>,
    task: Mutex<Option<Task>>,
    in_use: Mutex<Weak<InUse>>,
}

#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Held by whatever the layer was put around. When the last of them is gone, nothing is followed any
/// more: the layer itself must not keep a database open.
#[derive(Debug)]
pub(super) struct InUse(Weak<RowCache>);

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(cache) = self.0.upgrade() {
            cache.following.task().take();
        }
    }
}

/// Held by the task that follows: when it has ended, for whatever reason, what is kept may be wrong.
struct WhileFollowed(Weak<RowCache>);

impl Drop for WhileFollowed {
    fn drop(&mut self) {
        if let Some(cache) = self.0.upgrade() {
            // Switched off first: what is read from now on is not kept.
            cache.following.is_on.store(false, Ordering::Release);
            cache.clear();
        }
    }
}

impl Following {
    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    fn task(&self) -> MutexGuard<'_, Option<Task>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RowCache {
    /// What has to be held by whatever the cache is in front of.
    pub(super) fn in_use(self: &Arc<Self>) -> Arc<InUse> {
        let mut slot = self.following.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        slot.upgrade().unwrap_or_else(|| {
            let in_use = Arc::new(InUse(Arc::downgrade(self)));
            *slot = Arc::downgrade(&in_use);
            in_use
        })
    }

    /// Follows the changes of the table, if they are not followed yet; gives whether they are, so that
    /// what is read from now on may be kept.
    pub(super) async fn follow(
        self: &Arc<Self>,
        feed: impl FnOnce() -> Result<Arc<ChangeFeed>>,
    ) -> bool {
        if self.following.is_on() {
            return true;
        }
        let _beginning = self.following.beginning.lock().await;
        if self.following.is_on() {
            return true;
        }
        match self.begin_to_follow(feed).await {
            Ok(begun) => {
                *self.following.task() = Some(begun);
                true
            }
            Err(error) => {
                tracing::warn!(
                    target: "storehouse::cached",
                    %error,
                    "the changes of a table cannot be followed, so nothing of it is kept"
                );
                false
            }
        }
    }

    async fn begin_to_follow(
        self: &Arc<Self>,
        feed: impl FnOnce() -> Result<Arc<ChangeFeed>>,
    ) -> Result<Task> {
        let runtime = Handle::try_current().map_err(|_| {
            Error::validation("there is no tokio runtime here to follow changes on; enter one")
        })?;
        let feed = feed()?;
        let now = feed.log().now().await?;
        let key_columns = feed.definition().key.to_vec();
        let mut changes = ChangeReader::new(feed, now, None);
        // Not the cache itself, whose end ends this.
        let cache = Arc::downgrade(self);
        self.following.is_on.store(true, Ordering::Release);
        let held = WhileFollowed(Weak::clone(&cache));
        let (follow, abort) = abortable(async move {
            let _held = held;
            loop {
                let change = changes.next().await;
                let Some(cache) = cache.upgrade() else { return };
                match change {
                    Ok(change) => {
                        for row in [&change.old, &change.new].into_iter().flatten() {
                            cache.forget(&row.key(&key_columns));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(
                            target: "storehouse::cached",
                            %error,
                            "the changes of a table can no longer be followed"
                        );
                        return;
                    }
                }
            }
        });
        runtime.spawn(follow);
        Ok(Task(abort))
    }
}
