//! What a backend implements for key-value stores.

use std::{future::Future, sync::Arc};

use super::{
    definition::KvDef,
    entry::{KvEntry, KvScan},
};
use crate::{
    capabilities::Capabilities,
    changes::{self, ChangeFeed},
    endpoint::Endpoint,
    error::Result,
    maybe_send::{BoxFuture, MaybeSend, MaybeSync},
    storage::{RowReceiver, RowSink, object_safe},
    value::{EncodedKey, Value},
};

/// One key-value store of one backend.
///
/// What it is given has been checked against the definition. Rows that it hands out have the
/// columns `key`, `value` and `expires_at` of [`KvDef::table`], by these positions; an entry is
/// read at most once. `now` is the time of the store's clock, in microseconds since 1970: what
/// expires then or before is not there. Every write is atomic, and done by the time that the
/// future completes; a dropped future leaves the operation done or not done.
pub trait KvStorage: MaybeSend + MaybeSync + 'static {
    /// The store.
    fn definition(&self) -> &Arc<KvDef>;

    /// The backend's name, such as `sqlite`, for messages.
    fn backend(&self) -> &'static str;

    /// What the backend can do.
    fn capabilities(&self) -> Capabilities;

    /// Where the database is, for what watches over it.
    fn endpoint(&self) -> Endpoint {
        Endpoint::of(self.backend())
    }

    /// Hands the entry with that key, if there is one, to `rows`, and gives `true`, where that
    /// takes no waiting and less than a microsecond. Otherwise `false`, and then
    /// [`get`](Self::get) is asked.
    fn get_at_once(&self, key: &EncodedKey, rows: &mut dyn RowReceiver) -> Result<bool> {
        let (_, _) = (key, rows);
        Ok(false)
    }

    /// Creates what is missing; safe when many processes do so at once. Fails with
    /// [`Error::Schema`](crate::Error::Schema) when something of that name differs.
    fn setup_database(&self) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Hands the entry with that key, if there is one, to `rows`, which leaves out what has
    /// expired.
    fn get(
        &self,
        key: EncodedKey,
        rows: RowSink,
    ) -> impl Future<Output = Result<RowSink>> + MaybeSend;

    /// Hands each entry that has one of the keys to `rows`, with its key's place among them;
    /// `rows` leaves out what has expired.
    fn get_many(
        &self,
        keys: Vec<EncodedKey>,
        rows: RowSink,
    ) -> impl Future<Output = Result<RowSink>> + MaybeSend;

    /// Hands entries to `rows`, in the order of their keys, without what has expired.
    fn scan(
        &self,
        scan: KvScan,
        now: i64,
        rows: RowSink,
    ) -> impl Future<Output = Result<RowSink>> + MaybeSend;

    /// How many entries there are.
    fn size(&self, now: i64) -> impl Future<Output = Result<u64>> + MaybeSend;

    /// Writes entries, all or none, over what is there; of two with one key the last wins.
    fn put(&self, entries: Vec<KvEntry>) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Writes the entry if its key has the value `expected`, or, where that is `None`, no value.
    /// Gives whether it did.
    fn put_if(
        &self,
        entry: KvEntry,
        expected: Option<Value>,
        now: i64,
    ) -> impl Future<Output = Result<bool>> + MaybeSend;

    /// Deletes the key if it is there, and, where `expected` is given, has that value. Gives
    /// whether it did.
    fn delete_if(
        &self,
        key: EncodedKey,
        expected: Option<Value>,
        now: i64,
    ) -> impl Future<Output = Result<bool>> + MaybeSend;

    /// Adds to the integer under the key, or to 0, which then stays, where there is none; gives
    /// the sum. Fails with [`Error::Validation`](crate::Error::Validation) when it does not fit
    /// the type of the values, and changes nothing then.
    fn increment(
        &self,
        key: EncodedKey,
        by: i64,
        now: i64,
    ) -> impl Future<Output = Result<i64>> + MaybeSend;

    /// Says when the key expires, in microseconds since 1970, or, with `None`, that it stays.
    /// Gives whether it is there.
    fn expire(
        &self,
        key: EncodedKey,
        expires_at: Option<i64>,
        now: i64,
    ) -> impl Future<Output = Result<bool>> + MaybeSend;

    /// Deletes every entry.
    fn delete_all(&self) -> impl Future<Output = Result<()>> + MaybeSend;

    /// The feed of the store's changes, as rows of [`KvDef::table`], which all who follow it
    /// share. For backends with [`Capabilities::changes`]; outside of transactions.
    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        Err(changes::unsupported(self.backend()))
    }

    /// Removes the log of the store's changes, where there is one. For backends with
    /// [`Capabilities::changes`].
    fn remove_change_log(&self) -> impl Future<Output = Result<()>> + MaybeSend {
        let backend = self.backend();
        async move { Err(changes::no_log_to_remove(backend)) }
    }

    /// Removes what has expired, and counts it.
    fn purge_expired(&self, now: i64) -> impl Future<Output = Result<u64>> + MaybeSend;
}

object_safe! {
    /// [`KvStorage`] as an object: what handles hold and layers wrap. Every `KvStorage` is one.
    DynKvStorage for KvStorage {
        fn definition(&self) -> &Arc<KvDef>;
        fn backend(&self) -> &'static str;
        fn capabilities(&self) -> Capabilities;
        fn endpoint(&self) -> Endpoint;
        fn change_feed(&self) -> Result<Arc<ChangeFeed>>;
        fn get_at_once(&self, key: &EncodedKey, rows: &mut dyn RowReceiver) -> Result<bool>;
        async fn setup_database(&self) -> Result<()>;
        async fn get(&self, key: EncodedKey, rows: RowSink) -> Result<RowSink>;
        async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink>;
        async fn scan(&self, scan: KvScan, now: i64, rows: RowSink) -> Result<RowSink>;
        async fn size(&self, now: i64) -> Result<u64>;
        async fn put(&self, entries: Vec<KvEntry>) -> Result<()>;
        async fn put_if(&self, entry: KvEntry, expected: Option<Value>, now: i64) -> Result<bool>;
        async fn delete_if(&self, key: EncodedKey, expected: Option<Value>, now: i64) -> Result<bool>;
        async fn increment(&self, key: EncodedKey, by: i64, now: i64) -> Result<i64>;
        async fn expire(&self, key: EncodedKey, expires_at: Option<i64>, now: i64) -> Result<bool>;
        async fn delete_all(&self) -> Result<()>;
        async fn remove_change_log(&self) -> Result<()>;
        async fn purge_expired(&self, now: i64) -> Result<u64>;
    }
}
