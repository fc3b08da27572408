//! What a backend implements: one trait for each family of storage.
//!
//! An engine sees tables as data, keys and rows as values, and hands decoded rows to a receiver
//! on whatever thread it reads them. It is compiled once, for all tables. [`TabularStorage`] is
//! written with `async fn`; the blanket impl makes [`DynTabularStorage`] of it, which handles
//! hold and layers wrap.

use std::{any::Any, future::Future, ops::ControlFlow, sync::Arc};

use crate::{
    aggregate::Aggregation,
    capabilities::Capabilities,
    changes::{self, ChangeFeed},
    codec::{ColumnSource, DecodeError},
    definition::TableDef,
    endpoint::Endpoint,
    error::{Error, Result},
    filter::FilterTree,
    maybe_send::{BoxFuture, MaybeSend, MaybeSync},
    patch::Assignment,
    selection::Selection,
    value::{EncodedKey, EncodedRow, Value},
};

/// Takes the rows that an engine reads, one by one, where it reads them.
///
/// It is owned, so that it can travel to the thread that holds the statement, and comes back
/// with what it gathered.
pub trait RowReceiver: MaybeSend + 'static {
    /// Takes one row. `position` counts from 0: the row's place in the answer, or, where several
    /// keys were asked for, the place of its key among them.
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError>;

    /// Takes the names of the columns, before the first row. Only the answer to SQL of the program's own
    /// needs them; elsewhere who asks knows them already, and this is not called.
    fn begin(&mut self, columns: &[&str]) -> Result<()> {
        let _ = columns;
        Ok(())
    }

    /// Gives the receiver back as what it was made as.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

/// A receiver on its way to an engine and back.
pub type RowSink = Box<dyn RowReceiver>;

/// What a write does about a row that is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteMode {
    /// Replaces the row with the same key; fails on a clash in another unique column.
    Put,
    /// Fails.
    Insert,
    /// Leaves what is there.
    InsertIfAbsent,
}

/// An SQL statement and the values bound to it, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The text, with placeholders.
    pub sql: String,
    /// The values for the placeholders.
    pub parameters: Vec<Value>,
}

/// One table of one backend.
///
/// What it is given has been checked against the definition: values fit their columns, orderings
/// are total, filters are well formed. Every write is atomic, and done by the time that the
/// future completes; a dropped future leaves the operation done or not done.
pub trait TabularStorage: MaybeSend + MaybeSync + 'static {
    /// The table.
    fn definition(&self) -> &Arc<TableDef>;

    /// The backend's name, such as `sqlite`, for messages.
    fn backend(&self) -> &'static str;

    /// What the backend can do.
    fn capabilities(&self) -> Capabilities;

    /// Where the database is, for what watches over it.
    fn endpoint(&self) -> Endpoint {
        Endpoint::of(self.backend())
    }

    /// Creates the table and its indexes where they are missing; safe when many processes do so
    /// at once. Fails with [`Error::Schema`] when a table of that name differs.
    fn setup_database(&self) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Hands the row with that key, if there is one, to `rows`.
    fn get(
        &self,
        key: EncodedKey,
        rows: RowSink,
    ) -> impl Future<Output = Result<RowSink>> + MaybeSend;

    /// Hands each row that has one of the keys to `rows`, with its key's place among them.
    fn get_many(
        &self,
        keys: Vec<EncodedKey>,
        rows: RowSink,
    ) -> impl Future<Output = Result<RowSink>> + MaybeSend;

    /// Hands the selected rows to `rows`, in order: whole, or only the columns that
    /// [`Selection::columns`] names. Who has whole rows hands them to [`Selection::receiver`].
    fn select(
        &self,
        selection: Selection,
        rows: RowSink,
    ) -> impl Future<Output = Result<RowSink>> + MaybeSend;

    /// Hands the answer of an aggregation to `rows`, in order. Who has rows and no database that
    /// does this calls [`Aggregation::evaluate`].
    fn aggregate(
        &self,
        aggregation: Aggregation,
        rows: RowSink,
    ) -> impl Future<Output = Result<RowSink>> + MaybeSend;

    /// Counts the rows that match.
    fn count(&self, filter: FilterTree) -> impl Future<Output = Result<u64>> + MaybeSend;

    /// Writes rows, all or none, in order. Where the key has a generated integer, a NULL in it
    /// asks for a new one. Answers in order with the rows as stored; with `None` where
    /// [`WriteMode::InsertIfAbsent`] left something there.
    ///
    /// Where a table has [`ManagedColumns`](crate::ManagedColumns), [`WriteMode::Put`] stores what
    /// [`TableDef::stored_by_put`] says, in one step with finding out what is there.
    fn write(
        &self,
        rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> impl Future<Output = Result<Vec<Option<EncodedRow>>>> + MaybeSend;

    /// Inserts a row, or, where another has its values in the `unique` columns, changes columns of
    /// that one, and answers with the row as stored. The columns are those of the key, or of a
    /// unique index that does not hold the whole key; a NULL in one of them is no other row's
    /// value. A NULL in a generated integer of the key asks for a new one, if the row is inserted.
    /// No assignment is to the key.
    fn upsert(
        &self,
        row: EncodedRow,
        unique: Vec<usize>,
        assignments: Vec<Assignment>,
    ) -> impl Future<Output = Result<EncodedRow>> + MaybeSend;

    /// Changes columns of the row with that key, if it matches `condition`, and answers with the
    /// whole row, or with `None` when there is no such row. There is at least one assignment, and
    /// none is to the key.
    fn update(
        &self,
        key: EncodedKey,
        condition: FilterTree,
        assignments: Vec<Assignment>,
    ) -> impl Future<Output = Result<Option<EncodedRow>>> + MaybeSend;

    /// Changes columns of every row that matches, all or none, and counts those rows. There is at
    /// least one assignment, none is to the key, and none increments a column of a unique index.
    fn update_where(
        &self,
        filter: FilterTree,
        assignments: Vec<Assignment>,
    ) -> impl Future<Output = Result<u64>> + MaybeSend;

    /// Deletes the row with that key, if it matches `condition`; `false` when there is none.
    fn delete(
        &self,
        key: EncodedKey,
        condition: FilterTree,
    ) -> impl Future<Output = Result<bool>> + MaybeSend;

    /// Deletes the rows that match, and counts them.
    fn delete_search(&self, filter: FilterTree) -> impl Future<Output = Result<u64>> + MaybeSend;

    /// Deletes every row. Generated keys are not given again.
    fn delete_all(&self) -> impl Future<Output = Result<()>> + MaybeSend;

    /// The SQL of a query; [`Error::Unsupported`] where queries are not SQL.
    fn to_sql(&self, selection: &Selection) -> Result<Statement> {
        let _ = selection;
        Err(Error::unsupported("to_sql", self.backend(), "use `explain()` to see how it runs"))
    }

    /// The SQL of an aggregation; [`Error::Unsupported`] where queries are not SQL.
    fn aggregate_to_sql(&self, aggregation: &Aggregation) -> Result<Statement> {
        let _ = aggregation;
        Err(Error::unsupported("to_sql", self.backend(), "leave it out"))
    }

    /// The feed of the table's changes, which all who follow it share. For backends with
    /// [`Capabilities::changes`]; outside of transactions.
    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        Err(changes::unsupported(self.backend()))
    }

    /// Removes the log of the table's changes, where there is one. For backends with
    /// [`Capabilities::changes`].
    fn remove_change_log(&self) -> impl Future<Output = Result<()>> + MaybeSend {
        let backend = self.backend();
        async move { Err(changes::no_log_to_remove(backend)) }
    }

    /// How the backend would run a query, in words for a person.
    fn explain(&self, selection: Selection) -> impl Future<Output = Result<String>> + MaybeSend;
}

/// Declares the object-safe twin of a storage trait and the blanket impl between them.
macro_rules! object_safe {
    (
        $(#[$attribute:meta])*
        $dynamic:ident for $storage:ident $(: $super:path)? {
            $(fn $plain:ident(&self $(, $plain_argument:ident: $plain_type:ty)*) -> $plain_result:ty;)*
            $(async fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $result:ty;)*
        }
    ) => {
        $(#[$attribute])*
        #[allow(missing_docs, reason = "each method is described on the trait that it mirrors")]
        pub trait $dynamic: $($super +)? MaybeSend + MaybeSync + 'static {
            $(fn $plain(&self $(, $plain_argument: $plain_type)*) -> $plain_result;)*
            $(fn $name(&self $(, $argument: $type)*) -> BoxFuture<'_, $result>;)*
        }

        impl dyn $dynamic {
            /// The names of its methods, so that a test can see that a wrapper forwards them all.
            #[doc(hidden)]
            pub const METHODS: &[&str] = &[$(stringify!($plain),)* $(stringify!($name)),*];
        }

        impl<S: $storage> $dynamic for S {
            $(fn $plain(&self $(, $plain_argument: $plain_type)*) -> $plain_result {
                $storage::$plain(self $(, $plain_argument)*)
            })*
            $(fn $name(&self $(, $argument: $type)*) -> BoxFuture<'_, $result> {
                Box::pin($storage::$name(self $(, $argument)*))
            })*
        }
    };
}
pub(crate) use object_safe;

object_safe! {
    /// [`TabularStorage`] as an object: what handles hold and layers wrap. Every
    /// `TabularStorage` is one.
    DynTabularStorage for TabularStorage {
        fn definition(&self) -> &Arc<TableDef>;
        fn backend(&self) -> &'static str;
        fn capabilities(&self) -> Capabilities;
        fn endpoint(&self) -> Endpoint;
        fn to_sql(&self, selection: &Selection) -> Result<Statement>;
        fn aggregate_to_sql(&self, aggregation: &Aggregation) -> Result<Statement>;
        fn change_feed(&self) -> Result<Arc<ChangeFeed>>;
        async fn setup_database(&self) -> Result<()>;
        async fn get(&self, key: EncodedKey, rows: RowSink) -> Result<RowSink>;
        async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink>;
        async fn select(&self, selection: Selection, rows: RowSink) -> Result<RowSink>;
        async fn aggregate(&self, aggregation: Aggregation, rows: RowSink) -> Result<RowSink>;
        async fn count(&self, filter: FilterTree) -> Result<u64>;
        async fn write(&self, rows: Vec<EncodedRow>, mode: WriteMode) -> Result<Vec<Option<EncodedRow>>>;
        async fn upsert(&self, row: EncodedRow, unique: Vec<usize>, assignments: Vec<Assignment>) -> Result<EncodedRow>;
        async fn update(&self, key: EncodedKey, condition: FilterTree, assignments: Vec<Assignment>) -> Result<Option<EncodedRow>>;
        async fn update_where(&self, filter: FilterTree, assignments: Vec<Assignment>) -> Result<u64>;
        async fn delete(&self, key: EncodedKey, condition: FilterTree) -> Result<bool>;
        async fn delete_search(&self, filter: FilterTree) -> Result<u64>;
        async fn delete_all(&self) -> Result<()>;
        async fn remove_change_log(&self) -> Result<()>;
        async fn explain(&self, selection: Selection) -> Result<String>;
    }
}
