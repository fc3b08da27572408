//! Following a key-value store: what is put and deleted, whoever did it, and in whichever process.
//! The log is that of the store's table; here it is given its types.

use std::{
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _};

use super::{
    definition::KEY,
    entry::{Entry, is_expired, read_expiry},
    handle::{Kv, KvCore},
    value::{KvKey, KvValue, decode},
};
use crate::{
    changes::{
        ChangeCursor, ChangeFeed, ChangeKind, ChangeSubscription, Followable, Followed,
        LoggedChange, Since, call_for_each,
    },
    codec::{ColumnValue, RowRef, TextColumn},
    definition::TableDef,
    error::{Error, Result},
    filter::FilterTree,
    maybe_send::{BoxFuture, BoxStream, MaybeSend},
    value::EncodedRow,
};

/// What happened to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KvChangeKind {
    /// It was written, or is to expire at another time.
    Put,
    /// It was deleted, or was removed after it had expired.
    Delete,
    /// It is there, in a snapshot.
    Current,
    /// A snapshot has ended; what comes next are changes.
    SnapshotEnd,
}

/// What happened to one entry, or, in a snapshot, an entry that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KvChange<K, V> {
    /// What happened.
    pub kind: KvChangeKind,
    /// The key; `None` only where the kind is [`KvChangeKind::SnapshotEnd`].
    pub key: Option<K>,
    /// The value that was stored before, of deletes and of puts over one; also one that had
    /// expired and was not removed yet.
    pub old: Option<V>,
    /// The value as it is: of puts, and of entries of a snapshot.
    pub new: Option<V>,
    /// When `new` expires, to the microsecond; `None` when it stays.
    pub expires_at: Option<DateTime<Utc>>,
    /// Stands behind this change. In a snapshot it stands before its first entry.
    pub cursor: ChangeCursor,
    /// When it was written; in a snapshot, when that was taken. By the database's clock.
    pub at: DateTime<Utc>,
}

/// Changes that are about to be followed, from [`Kv::changes`]; awaiting it begins.
#[must_use = "nothing is followed until it is awaited"]
pub struct KvChangesBuilder<K, V> {
    core: Arc<KvCore>,
    since: Since,
    filter: FilterTree,
    poll_interval: Option<Duration>,
    marker: PhantomData<fn() -> (K, V)>,
}

impl<K: KvKey, V: KvValue> KvChangesBuilder<K, V> {
    /// Only changes of keys that begin so.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self
    where
        K: TextColumn,
    {
        let prefix = FilterTree::StartsWith { column: KEY, prefix: prefix.into() };
        self.filter = self.filter.and(prefix);
        self
    }

    /// Looks at the log that often, at least, also when nobody says that there is something new;
    /// as often as the backend finds right unless set.
    pub fn poll_interval(mut self, poll_interval: Duration) -> Self {
        self.poll_interval = Some(poll_interval);
        self
    }

    async fn begin(self) -> Result<KvChanges<K, V>> {
        let core = Arc::clone(&self.core);
        core.run("changes", async {
            let followed = Arc::clone(&core) as Arc<dyn Followable>;
            let followed = Followed::begin(followed, self.since, self.filter, self.poll_interval);
            let followed = followed.await?;
            let (cursor, of) = (followed.cursor(), Arc::clone(&core));
            let stream =
                followed.into_stream(move |change, definition| typed(&of, change, definition));
            Ok(KvChanges { stream, cursor })
        })
        .await
    }
}

impl<K: KvKey, V: KvValue> IntoFuture for KvChangesBuilder<K, V> {
    type Output = Result<KvChanges<K, V>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

impl<K, V> std::fmt::Debug for KvChangesBuilder<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KvChangesBuilder").field("since", &self.since).finish_non_exhaustive()
    }
}

/// The changes of a key-value store, in order: a stream, from [`Kv::changes`]. Dropping it ends it.
///
/// It ends when the handle is destroyed, and after an error that does not go away by itself. While
/// the database cannot be reached it waits, and then goes on where it was.
pub struct KvChanges<K, V> {
    stream: BoxStream<'static, Result<KvChange<K, V>>>,
    cursor: ChangeCursor,
}

impl<K, V> KvChanges<K, V> {
    /// The next change, once there is one; `None` when there will be none.
    ///
    /// The future can be dropped: what it would have given comes next.
    pub async fn try_next(&mut self) -> Result<Option<KvChange<K, V>>> {
        self.next().await.transpose()
    }

    /// Stands behind what was taken so far; at first, where it began.
    pub const fn cursor(&self) -> &ChangeCursor {
        &self.cursor
    }
}

impl<K, V> Stream for KvChanges<K, V> {
    type Item = Result<KvChange<K, V>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.stream.as_mut().poll_next(context));
        if let Some(Ok(change)) = &next {
            self.cursor = change.cursor.clone();
        }
        Poll::Ready(next)
    }
}

impl<K, V> std::fmt::Debug for KvChanges<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KvChanges").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

/// What a callback is called for; see [`Kv::subscribe_to_changes`].
///
/// ```
/// use std::time::Duration;
/// use storehouse::{Since, kv::KvChangeOptions};
///
/// let options = KvChangeOptions::new()
///     .since(Since::Snapshot)
///     .poll_interval(Duration::from_secs(1));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct KvChangeOptions {
    since: Since,
    poll_interval: Option<Duration>,
}

impl KvChangeOptions {
    /// Every change from now on.
    pub const fn new() -> Self {
        Self { since: Since::Now, poll_interval: None }
    }

    /// From where on; [`Since::Now`] unless set.
    #[must_use]
    pub fn since(mut self, since: Since) -> Self {
        self.since = since;
        self
    }

    /// Looks at the log that often, at least, also when nobody says that there is something new.
    #[must_use]
    pub const fn poll_interval(mut self, poll_interval: Duration) -> Self {
        self.poll_interval = Some(poll_interval);
        self
    }
}

impl Default for KvChangeOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: KvKey, V: KvValue> Kv<K, V> {
    /// Follows the store's changes: what is put and deleted, through this handle, by others of this
    /// process and by other processes, once it is committed.
    ///
    /// The store needs a log of its changes: open it with
    /// [`Store::kv_logged`](crate::Store::kv_logged), or from a store with
    /// [`log_changes`](crate::StoreBuilder::log_changes), before it is set up.
    ///
    /// Every change is delivered, at least once; those of one key in the order in which they were
    /// committed. That an entry expires is no change; that it is removed afterwards is a
    /// [`Delete`](KvChangeKind::Delete). Fails with [`Error::Validation`] where the handle asks for
    /// no log, with [`Error::Schema`] where the store was not set up with one, with
    /// [`Error::Lagged`] when the log does not reach back to the cursor, and with
    /// [`Error::Unsupported`] where the backend has no changes.
    ///
    /// ```
    /// use storehouse::{Since, kv::KvChangeKind};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// let store = storehouse::open("sqlite::memory:").await?;
    /// let themes = store.kv_logged::<String, String>("themes").await?;
    /// themes.setup_database().await?;
    ///
    /// let mut changes = themes.changes(Since::Now).await?;
    /// themes.put("ann", "dark".into()).await?;
    /// themes.delete("ann").await?;
    ///
    /// let put = changes.try_next().await?.unwrap();
    /// assert_eq!((put.kind, put.new.as_deref()), (KvChangeKind::Put, Some("dark")));
    /// let delete = changes.try_next().await?.unwrap();
    /// assert_eq!((delete.kind, delete.old.as_deref()), (KvChangeKind::Delete, Some("dark")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn changes(&self, since: Since) -> KvChangesBuilder<K, V> {
        KvChangesBuilder {
            core: Arc::clone(&self.core),
            since,
            filter: FilterTree::all(),
            poll_interval: None,
            marker: PhantomData,
        }
    }

    /// Calls `callback` for each change, one after another, on a task of its own. An error is the
    /// last call.
    ///
    /// It is [`Kv::changes`] for those who prefer a callback, with the same guarantees. When this
    /// returns, it has begun. Fails as that does, and with [`Error::Validation`] outside of a tokio
    /// runtime, which runs the task. In a browser the page runs it.
    pub fn subscribe_to_changes(
        &self,
        callback: impl FnMut(Result<KvChange<K, V>>) + MaybeSend + 'static,
        options: KvChangeOptions,
    ) -> BoxFuture<'_, Result<ChangeSubscription>> {
        let mut builder = self.changes(options.since);
        builder.poll_interval = options.poll_interval;
        Box::pin(async move { call_for_each(builder.await?, callback) })
    }

    /// Removes the log of the store's changes, so that writes no longer pay for it. Whoever
    /// follows it, in whichever process, gets an error.
    pub async fn remove_change_log(&self) -> Result<()> {
        let core = &self.core;
        core.run("remove_change_log", core.storage.remove_change_log()).await
    }
}

impl Followable for KvCore {
    fn definition(&self) -> &Arc<TableDef> {
        self.storage.definition().table()
    }

    fn feed(&self) -> Result<Arc<ChangeFeed>> {
        if self.storage.capabilities().changes && !self.definition().changes {
            return Err(Error::validation(format!(
                "the key-value store `{}` keeps no log of its changes; open it with `kv_logged()`, \
                 or open the store with `Store::builder().log_changes()`, and call \
                 `setup_database()`",
                self.definition().name
            )));
        }
        self.storage.change_feed()
    }

    fn scope(&self, filter: FilterTree) -> Result<FilterTree> {
        filter.check(self.definition())?;
        Ok(filter)
    }

    fn hidden_by(&self) -> Option<usize> {
        None
    }

    fn closed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.hub.closed())
    }

    fn is_closed(&self) -> bool {
        self.hub.is_closed()
    }

    fn at(&self, error: Error) -> Error {
        error.at(self.storage.backend(), self.storage.definition().name(), "changes")
    }
}

/// A change with its types; none of an entry of a snapshot that has expired.
fn typed<K: KvKey, V: KvValue>(
    core: &KvCore,
    change: &LoggedChange,
    definition: &Arc<TableDef>,
) -> Result<Option<KvChange<K, V>>> {
    let kind = match change.kind {
        ChangeKind::Delete => KvChangeKind::Delete,
        ChangeKind::Current => KvChangeKind::Current,
        ChangeKind::SnapshotEnd => KvChangeKind::SnapshotEnd,
        ChangeKind::Insert | ChangeKind::Update => KvChangeKind::Put,
    };
    let failed = |error: crate::codec::DecodeError| error.into_error(definition);
    if kind == KvChangeKind::Current
        && let Some(row) = &change.new
        && is_expired(read_expiry(&mut RowRef(&row.0)).map_err(failed)?, core.now())
    {
        return Ok(None);
    }
    let entry = |row: &EncodedRow| -> Result<Option<Entry<K, V>>> {
        // Whether it has expired does not matter here, so the time is before all others.
        Entry::read(&mut RowRef(&row.0), i64::MIN, <K as ColumnValue>::decode, decode)
            .map_err(failed)
    };
    let old = change.old.as_ref().map(entry).transpose()?.flatten();
    let new = change.new.as_ref().map(entry).transpose()?.flatten();
    let (old_key, old) = old.map(|entry| (entry.key, entry.value)).unzip();
    let expires_at = new.as_ref().and_then(|entry| entry.expires_at);
    let (new_key, new) = new.map(|entry| (entry.key, entry.value)).unzip();
    let cursor = change.cursor(definition);
    let at = DateTime::from_timestamp_micros(change.at).unwrap_or_default();
    Ok(Some(KvChange { kind, key: new_key.or(old_key), old, new, expires_at, cursor, at }))
}
