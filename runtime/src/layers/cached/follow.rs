//! Following a table's changes, so that what others write is forgotten.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::future::{AbortHandle, abortable};
use tokio::{runtime::Handle, sync::Mutex};

use super::rows::RowCache;
use crate::{
    changes::{ChangeFeed, ChangeReader},
    error::{Error, Result},
};

/// Whether the changes of a table are followed. Dropping it ends that.
#[derive(Debug, Default)]
pub(super) struct Following {
    is_on: AtomicBool,
    task: Mutex<Option<Task>>,
}

#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Following {
    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }
}

impl RowCache {
    /// Follows the changes of the table, if they are not followed yet; gives whether they are, so that
    /// what is read from now on may be kept.
    pub(super) async fn follow(
        self: &Arc<Self>,
        feed: impl FnOnce() -> Result<Arc<ChangeFeed>>,
    ) -> bool {
        if self.following.is_on() {
            return true;
        }
        let mut task = self.following.task.lock().await;
        if self.following.is_on() {
            return true;
        }
        match self.begin_to_follow(feed).await {
            Ok(begun) => {
                *task = Some(begun);
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
        let (follow, abort) = abortable(async move {
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
                        // Switched off first: what is read from now on is not kept.
                        cache.following.is_on.store(false, Ordering::Release);
                        cache.clear();
                        return;
                    }
                }
            }
        });
        runtime.spawn(follow);
        Ok(Task(abort))
    }
}
