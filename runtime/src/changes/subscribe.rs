//! Changes by callback.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
    time::Duration,
};

use futures::{
    FutureExt as _, Stream, StreamExt as _,
    future::{AbortHandle, abortable},
};

use super::{
    change::{Change, Since},
    stream::ChangesBuilder,
};
use crate::{
    error::Result,
    filter::Filter,
    maybe_send::{BoxFuture, MaybeSend},
    table::Row,
    tabular::Tabular,
};

/// What a callback is called for.
///
/// ```
/// use std::time::Duration;
/// use storehouse::{ChangeOptions, Since};
/// # use storehouse::prelude::*;
/// # #[derive(Table, Clone, Debug)]
/// # struct Product { #[table(key)] sku: String, price: f64 }
///
/// let options = ChangeOptions::new()
///     .since(Since::Snapshot)
///     .filter(Product::PRICE.gt(5.0))
///     .poll_interval(Duration::from_secs(1));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct ChangeOptions<T> {
    since: Since,
    filter: Filter<T>,
    poll_interval: Option<Duration>,
}

impl<T: Row> ChangeOptions<T> {
    /// Every change from now on.
    pub fn new() -> Self {
        Self { since: Since::Now, filter: Filter::all(), poll_interval: None }
    }

    /// From where on; [`Since::Now`] unless set.
    #[must_use]
    pub fn since(mut self, since: Since) -> Self {
        self.since = since;
        self
    }

    /// Only changes of which the old or the new row matches.
    #[must_use]
    pub fn filter(mut self, filter: Filter<T>) -> Self {
        self.filter = filter;
        self
    }

    /// Looks at the log that often, at least, also when nobody says that there is something new.
    #[must_use]
    pub fn poll_interval(mut self, poll_interval: Duration) -> Self {
        self.poll_interval = Some(poll_interval);
        self
    }
}

impl<T: Row> Default for ChangeOptions<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A callback that is called; dropping this ends it.
#[must_use = "dropping the subscription ends it; keep it as long as the callback shall be called"]
#[derive(Debug)]
pub struct ChangeSubscription {
    abort: AbortHandle,
    /// Held by the task.
    running: Weak<()>,
}

impl ChangeSubscription {
    /// Whether no call will come any more: the handle was destroyed, the callback was given an
    /// error, or it panicked.
    pub fn is_ended(&self) -> bool {
        self.running.strong_count() == 0
    }
}

impl Drop for ChangeSubscription {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

impl<T: Row> Tabular<T> {
    /// Calls `callback` for each change of the table, one after another, on a task of its own. An
    /// error is the last call.
    ///
    /// It is [`Tabular::changes`] for those who prefer a callback, with the same guarantees. When
    /// this returns, it has begun. Fails as that does, and with
    /// [`Error::Validation`](crate::Error::Validation) outside of a tokio runtime, which runs the
    /// task. In a browser the page runs it.
    ///
    /// ```
    /// use storehouse::{ChangeOptions, prelude::*};
    ///
    /// #[derive(Table, Clone, Debug)]
    /// #[table(changes)]
    /// struct Note {
    ///     #[table(key)]
    ///     id: i64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// let notes = storehouse::open("memory:").await?.tabular::<Note>().await?;
    /// notes.setup_database().await?;
    /// let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    /// let subscription = notes
    ///     .subscribe_to_changes(move |change| drop(tell.send(change)), ChangeOptions::new())
    ///     .await?;
    /// notes.put(Note { id: 7 }).await?;
    /// assert_eq!(told.recv().await.unwrap()?.key, Some(7));
    /// drop(subscription);
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe_to_changes(
        &self,
        callback: impl FnMut(Result<Change<T>>) + MaybeSend + 'static,
        options: ChangeOptions<T>,
    ) -> BoxFuture<'_, Result<ChangeSubscription>> {
        let ChangeOptions { since, filter, poll_interval } = options;
        let mut builder: ChangesBuilder<T> = self.changes(since).filter(filter);
        if let Some(poll_interval) = poll_interval {
            builder = builder.poll_interval(poll_interval);
        }
        Box::pin(async move { call_for_each(builder.await?, callback) })
    }
}

/// Calls `callback` for each change, on a task of its own.
pub(crate) fn call_for_each<C: MaybeSend + 'static>(
    mut changes: impl Stream<Item = Result<C>> + Unpin + MaybeSend + 'static,
    mut callback: impl FnMut(Result<C>) + MaybeSend + 'static,
) -> Result<ChangeSubscription> {
    let follow = async move {
        while let Some(change) = changes.next().await {
            callback(change);
        }
    };
    // A panic would otherwise end the subscription without a word.
    let follow = AssertUnwindSafe(follow).catch_unwind().map(|done| {
        if done.is_err() {
            tracing::error!(target: "storehouse::changes", "a callback panicked");
        }
    });
    let (follow, abort) = abortable(follow);
    let held = Arc::new(());
    let running = Arc::downgrade(&held);
    spawn(follow.map(move |_| drop(held)))?;
    Ok(ChangeSubscription { abort, running })
}

#[cfg(not(target_family = "wasm"))]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
        crate::Error::validation(
            "there is no tokio runtime here to call the callback on; use `changes()`, which is a \
             stream, or enter a runtime",
        )
    })?;
    runtime.spawn(work);
    Ok(())
}

#[cfg(target_family = "wasm")]
#[allow(clippy::unnecessary_wraps, reason = "as on other platforms")]
fn spawn(work: impl Future<Output = ()> + 'static) -> Result<()> {
    wasm_bindgen_futures::spawn_local(work);
    Ok(())
}
