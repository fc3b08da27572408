//! The handle that programs use: typed on the outside, thin on the inside.
//!
//! A [`Tabular`] encodes what goes in, checks it against the definition, lets the storage work
//! and decodes what comes out. It holds no logic that could live below it.
//!
//! A method that takes a value of the caller's type is not `async` but gives a boxed future. An
//! `async fn` would carry that type in its future, and rustc would report one wrong argument
//! three to five times, at each expression that has the future's type.

mod changes;
mod collect;
mod group;
mod live;
mod prepare;
mod project;
mod query;
mod read;
mod record;
mod related;
mod soft_delete;
mod upsert;
mod write;

use std::{future::Future, marker::PhantomData, sync::Arc};

use self::collect::Hidden;
pub(crate) use self::collect::unwrap;
pub use self::{
    group::{AggregateQuery, GroupBy, GroupQuery},
    live::LiveQuery,
    prepare::ClientKeys,
    project::ProjectedQuery,
    query::{Page, Query},
    related::{BelongingTo, LinkedTo},
    upsert::{UniqueColumns, Upsert},
};
use crate::{
    capabilities::Capabilities,
    codec::EncodeError,
    definition::TableDef,
    engine::EngineId,
    environment::Environment,
    error::{Error, Result},
    events::{EventHub, Events, RawEvent},
    filter::{Filter, FilterTree},
    layers::{Layer, LayerScope, Layers},
    maybe_send::BoxFuture,
    operation,
    patch::TablePatch,
    reference,
    storage::{DynTabularStorage, WriteMode},
    table::{Insertable, IntoKey, KeyOrRow, Row, SoftDelete, Table},
    transaction::{Transaction, TransactionCore},
    value::{EncodedKey, Value},
};

/// A table of `T` in a store. Cheap to clone.
///
/// `Scope` is [`Anywhere`] for a handle from the store, and [`InTransaction`] for one that
/// joined a transaction and borrows it.
///
/// ```
/// use storehouse::prelude::*;
///
/// #[derive(Table, Clone, Debug, PartialEq)]
/// #[table(index(category))]
/// struct Product {
///     #[table(key, auto)]
///     id: i64,
///     category: String,
///     price: f64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("memory:").await?;
/// let products = store.tabular::<Product>().await?;
/// products.setup_database().await?;
///
/// let saw = products.put(ProductInsert { category: "tools".into(), price: 9.5 }).await?;
/// products.update(&saw.id, ProductPatch { price: Set(8.5), ..Default::default() }).await?;
///
/// let cheap = products
///     .query(Product::CATEGORY.eq("tools") & Product::PRICE.lt(9.0))
///     .order_by(Product::PRICE.asc())
///     .limit(10)
///     .await?;
/// assert_eq!(cheap[0].id, saw.id);
/// assert!(products.delete(&saw).await?);
/// # Ok(())
/// # }
/// ```
pub struct Tabular<T, Scope = Anywhere> {
    core: Arc<Core>,
    marker: PhantomData<fn() -> (T, Scope)>,
}

/// The scope of a handle that works outside transactions.
#[derive(Clone, Copy, Debug)]
pub struct Anywhere;

/// The scope of a handle that joined a transaction.
#[derive(Clone, Copy, Debug)]
pub struct InTransaction<'t>(PhantomData<&'t Transaction>);

impl<T: Row, Scope> Clone for Tabular<T, Scope> {
    fn clone(&self) -> Self {
        Self::from_core(Arc::clone(&self.core))
    }
}

impl<T: Row, Scope> std::fmt::Debug for Tabular<T, Scope> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tabular")
            .field("table", &self.core.definition.name)
            .field("backend", &self.core.backend)
            .finish_non_exhaustive()
    }
}

/// What a handle shares with its clones; the same for every `T`.
#[derive(Clone)]
pub(crate) struct Core {
    storage: Arc<dyn DynTabularStorage>,
    layers: Layers,
    definition: Arc<TableDef>,
    backend: &'static str,
    /// The store that the handle came from; none when it was made from a storage directly.
    engine: Option<EngineId>,
    client_keys: ClientKeys,
    hidden: Hidden,
    environment: Environment,
    hub: Arc<EventHub>,
    transaction: Option<Arc<TransactionCore>>,
    /// Why the handle cannot be used: it joined a transaction of another store.
    misused: Option<&'static str>,
}

impl Core {
    /// Runs one operation: refuses it when the handle has ended, says in errors where they come
    /// from, and reports it to `tracing`.
    pub(crate) async fn run<R>(
        &self,
        name_of_operation: &'static str,
        work: impl Future<Output = Result<R>>,
    ) -> Result<R> {
        let (backend, name) = (self.backend, &self.definition.name);
        let usable = self.check_usable();
        operation::run(&self.environment, backend, name, name_of_operation, usable, work).await
    }

    fn check_usable(&self) -> Result<()> {
        if let Some(why) = self.misused {
            return Err(Error::validation(why));
        }
        if self.hub.is_closed() {
            return Err(Error::closed(
                "the handle was destroyed; get a new one from the store with `tabular()`",
            ));
        }
        Ok(())
    }

    /// Fires an event, or keeps it until the transaction commits. Only what somebody listens to
    /// is built.
    fn emit(&self, event: impl FnOnce() -> Option<RawEvent>) {
        if !self.hub.is_listened_to() {
            return;
        }
        let Some(event) = event() else { return };
        match &self.transaction {
            Some(transaction) => transaction.defer(Arc::clone(&self.hub), event),
            None => self.hub.emit(&event),
        }
    }

    /// The filter that an operation goes by: what the caller asked for, checked, and without the
    /// rows that are hidden. Every operation that takes a filter takes it through here.
    pub(crate) fn scope(&self, filter: FilterTree) -> Result<FilterTree> {
        filter.check(&self.definition)?;
        Ok(match self.hidden {
            Hidden(Some(column)) => filter.and(FilterTree::IsNull { column }),
            Hidden(None) => filter,
        })
    }

    fn encode_error(&self, error: &EncodeError) -> Error {
        let column = &self.definition.columns[error.column].name;
        Error::validation(format!("column `{column}` cannot be written: {}", error.message))
    }
}

impl<T: Row> Tabular<T> {
    /// A handle over a storage that was made by hand.
    pub fn from_storage(storage: Arc<dyn DynTabularStorage>, environment: Environment) -> Self {
        let definition = Arc::clone(storage.definition());
        Self::new(storage, Layers::default(), definition, environment, None)
    }

    /// What the handle checks and fills in is by its own definition: a storage may be shared by
    /// handles whose types see the same columns differently.
    /// `storage` is within the layers already.
    pub(crate) fn new(
        storage: Arc<dyn DynTabularStorage>,
        layers: Layers,
        definition: Arc<TableDef>,
        environment: Environment,
        engine: Option<EngineId>,
    ) -> Self {
        Self::from_core(Arc::new(Core {
            definition,
            backend: storage.backend(),
            hidden: Hidden(storage.definition().managed.soft_delete),
            storage,
            layers,
            engine,
            client_keys: ClientKeys::default(),
            environment,
            hub: Arc::default(),
            transaction: None,
            misused: None,
        }))
    }

    /// The same table inside a transaction of the same store.
    ///
    /// What it does is lasting only once the transaction commits, and its events wait until
    /// then. Every call fails with [`Error::Validation`] when the transaction is of another
    /// store.
    pub fn in_tx<'t>(&self, tx: &'t Transaction) -> Tabular<T, InTransaction<'t>> {
        let core = &self.core;
        let transaction = tx.core();
        let mut misused = (core.engine != Some(transaction.engine)).then_some(
            "the transaction belongs to another store; begin it on the store that the handle is of",
        );
        let joined = match misused {
            None => transaction.backend.tabular(&core.definition).ok(),
            Some(_) => None,
        };
        let scope = LayerScope::new(core.engine, Some(Arc::clone(transaction)));
        let joined = joined.map(|storage| core.layers.tabular(storage, &scope));
        let storage = joined.unwrap_or_else(|| {
            misused.get_or_insert("the backend cannot open this table inside a transaction");
            Arc::clone(&core.storage)
        });
        let transaction = Some(Arc::clone(transaction));
        Tabular::from_core(Arc::new(Core { storage, transaction, misused, ..Core::clone(core) }))
    }

    /// The same table with another policy for keys that the caller gives to an `auto` column.
    #[must_use]
    pub fn with_client_keys(&self, client_keys: ClientKeys) -> Self {
        Self::from_core(Arc::new(Core { client_keys, ..Core::clone(&self.core) }))
    }

    /// The same table with a layer around it, which is the outermost. Clones and transactions that it
    /// joins have it too; see [`layers`](crate::layers).
    #[must_use]
    pub fn layer(&self, layer: impl Layer) -> Self {
        let mut core = Core::clone(&self.core);
        core.storage = layer.tabular(core.storage, &LayerScope::new(core.engine, None));
        core.layers = core.layers.and(Arc::new(layer));
        Self::from_core(Arc::new(core))
    }

    /// Creates the table and its indexes where they are missing. Safe to call again, and by many
    /// processes at once. Fails with [`Error::Schema`] when a table of that name differs from
    /// the definition, and says in what, and when a table that it refers to is not set up yet.
    pub async fn setup_database(&self) -> Result<()> {
        let core = &self.core;
        core.run("setup_database", async {
            let capabilities = core.storage.capabilities();
            reference::check_set_up(&core.definition, capabilities, core.backend)?;
            core.storage.setup_database().await
        })
        .await
    }
}

impl<T: Row, Scope> Tabular<T, Scope> {
    fn from_core(core: Arc<Core>) -> Self {
        Self { core, marker: PhantomData }
    }

    /// The table's definition.
    pub fn definition(&self) -> &Arc<TableDef> {
        &self.core.definition
    }

    /// What the backend can do.
    pub fn capabilities(&self) -> Capabilities {
        self.core.storage.capabilities()
    }

    /// Subscribes to what is done through this handle and its clones.
    pub fn events(&self) -> Events<T> {
        Events::new(Arc::clone(&self.core.hub), Arc::clone(&self.core.definition))
    }

    /// Ends the handle and its clones: every subscription ends, and further calls fail with
    /// [`Error::Closed`].
    ///
    /// Rows stay where they are; [`Tabular::delete_all`] removes them. Dropping the handle is
    /// enough where nobody subscribed.
    pub fn destroy(&self) {
        self.core.hub.close();
    }
}

/// The row that an operation is about.
struct Target {
    key: Result<EncodedKey, EncodeError>,
    /// The version that it must have, where that matters.
    version: Option<Value>,
}

impl Target {
    fn new<T>(key_or_row: impl KeyOrRow<T>) -> Self {
        Self { version: key_or_row.version(), key: key_or_row.into_key() }
    }
}

/// What takes keys and rows. These stand here, beside the handle, because rustc names the module
/// of a method when it refuses an argument.
impl<T: Row, Scope> Tabular<T, Scope> {
    /// The row with that key, or `None`.
    ///
    /// ```
    /// # use storehouse::prelude::*;
    /// # #[derive(Table, Debug)]
    /// # struct Setting { #[table(key)] name: String, value: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// # let settings = storehouse::open("memory:").await?.tabular::<Setting>().await?;
    /// # settings.setup_database().await?;
    /// settings.put(Setting { name: "theme".into(), value: "dark".into() }).await?;
    /// assert!(settings.get("theme").await?.is_some());
    /// assert!(settings.get(&"font".to_owned()).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, key: impl IntoKey<T>) -> BoxFuture<'_, Result<Option<T>>> {
        self.core.get(key.into_key())
    }

    /// The rows with those keys, in the order of the keys, with `None` for each that is not
    /// there. One round trip, however many keys.
    pub fn get_many<K: IntoKey<T>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> BoxFuture<'_, Result<Vec<Option<T>>>> {
        self.core.get_many(keys.into_iter().map(IntoKey::into_key).collect())
    }

    /// Stores a row: a new one, or in place of the whole row that has its key. Returns the row
    /// as stored, with everything that was generated.
    ///
    /// Fails with [`Error::Conflict`] when another row has its value of a unique column; that
    /// row is never removed. Where rows have a `version`, a whole row replaces only what it was
    /// read as: it fails with [`Error::Conflict`] when the row was written since, or is gone.
    pub fn put(&self, row: impl Insertable<T>) -> BoxFuture<'_, Result<T>> {
        self.core.write_always("put", row, WriteMode::Put)
    }

    /// Stores many rows, all or none, and returns them in order. Of two rows with one key the
    /// last wins.
    pub fn put_bulk<I: Insertable<T>>(
        &self,
        rows: impl IntoIterator<Item = I>,
    ) -> BoxFuture<'_, Result<Vec<T>>> {
        self.core.put_bulk(rows)
    }

    /// Stores a new row and returns it. Fails with [`Error::Conflict`] when its key or its value
    /// of a unique column is taken.
    pub fn insert(&self, row: impl Insertable<T>) -> BoxFuture<'_, Result<T>> {
        self.core.write_always("insert", row, WriteMode::Insert)
    }

    /// Stores a new row, or, where another row has its value of a unique column, replaces the
    /// content of that row but for its key; [`Upsert::or_update`] changes only a part of it. Gives
    /// the row as stored.
    ///
    /// `unique` is a unique column, or a tuple of the columns of one unique index, such as
    /// `(Product::SHOP, Product::SKU)`; a NULL in it is no other row's value. Fails with
    /// [`Error::Validation`] when the columns are not unique, and with [`Error::Conflict`] when the
    /// row clashes with another one elsewhere. The version of a whole row is not checked, since the
    /// row that it was read as may be another; a deleted row is brought back.
    pub fn upsert_by(
        &self,
        unique: impl UniqueColumns<T>,
        row: impl Insertable<T>,
    ) -> Upsert<'_, T> {
        let row = self.core.prepare(row, WriteMode::Insert);
        Upsert::new(&self.core, unique.positions(), row)
    }

    /// Stores a new row and returns it, or leaves everything as it is and returns `None` when
    /// its key or its value of a unique column is taken.
    pub fn insert_if_absent(&self, row: impl Insertable<T>) -> BoxFuture<'_, Result<Option<T>>> {
        self.core.write("insert_if_absent", row, WriteMode::InsertIfAbsent)
    }

    /// Deletes the row with that key, or that row. `false` when it is not there.
    ///
    /// Where rows have a `version`, a row is only deleted as it was read: fails with
    /// [`Error::Conflict`] when it was written since. Where they have a `soft_delete` column, the
    /// row is marked and hidden, and [`Tabular::restore`] brings it back.
    pub fn delete(&self, key_or_row: impl KeyOrRow<T>) -> BoxFuture<'_, Result<bool>> {
        self.core.delete(Target::new(key_or_row))
    }
}

/// Rows that are deleted and stay. The bounds are on the methods, so that rustc says what is
/// missing, and not only that something is.
impl<T: Row, Scope> Tabular<T, Scope> {
    /// The same table with the rows that are deleted: every operation of this handle finds them,
    /// except that what is deleted is not deleted again.
    ///
    /// ```
    /// use chrono::{DateTime, Utc};
    /// use storehouse::prelude::*;
    ///
    /// #[derive(Table, Debug)]
    /// struct Note {
    ///     #[table(key)]
    ///     title: String,
    ///     #[table(soft_delete)]
    ///     deleted_at: Option<DateTime<Utc>>,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// let notes = storehouse::open("memory:").await?.tabular::<Note>().await?;
    /// notes.setup_database().await?;
    /// notes.put(NoteInsert { title: "groceries".into() }).await?;
    ///
    /// assert!(notes.delete("groceries").await?);
    /// assert_eq!(notes.size().await?, 0);
    /// assert_eq!(notes.with_deleted().size().await?, 1);
    ///
    /// assert!(notes.restore("groceries").await?.is_some());
    /// assert_eq!(notes.size().await?, 1);
    ///
    /// assert!(notes.purge("groceries").await?);
    /// assert_eq!(notes.with_deleted().size().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_deleted(&self) -> Self
    where
        T: SoftDelete,
    {
        Self::from_core(Arc::new(Core { hidden: Hidden(None), ..Core::clone(&self.core) }))
    }

    /// Brings back the deleted row with that key, or that row, and returns it; `None` when no
    /// deleted row is there.
    ///
    /// Where rows have a `version`, a row is only brought back as it was read: fails with
    /// [`Error::Conflict`] when it was written since.
    pub fn restore(&self, key_or_row: impl KeyOrRow<T>) -> BoxFuture<'_, Result<Option<T>>>
    where
        T: SoftDelete,
    {
        self.core.restore(Target::new(key_or_row))
    }

    /// Removes the row with that key, or that row, for good, whether it is deleted or not. `false`
    /// when it is not there.
    ///
    /// Where rows have a `version`, a row is only removed as it was read: fails with
    /// [`Error::Conflict`] when it was written since.
    pub fn purge(&self, key_or_row: impl KeyOrRow<T>) -> BoxFuture<'_, Result<bool>>
    where
        T: SoftDelete,
    {
        self.core.purge(Target::new(key_or_row))
    }

    /// Removes the rows that match for good, whether they are deleted or not, and returns how many
    /// there were. To remove only what was deleted, say so:
    /// `Product::DELETED_AT.lt(a_month_ago)`.
    ///
    /// Fails with [`Error::EmptyCriteria`] when the filter matches every row.
    pub async fn purge_search(&self, filter: Filter<T>) -> Result<u64>
    where
        T: SoftDelete,
    {
        self.core.purge_search(filter.into_tree()).await
    }
}

impl<T: Table, Scope> Tabular<T, Scope> {
    /// Changes the columns that the patch sets, and only those, and returns the whole row; `None`
    /// when there is no row with that key. A patch that sets nothing only reads.
    ///
    /// It takes the key, or a row. Where rows have a `version`, a row is only changed as it was
    /// read: fails with [`Error::Conflict`] when it was written since.
    pub fn update(
        &self,
        key_or_row: impl KeyOrRow<T>,
        patch: T::Patch,
    ) -> BoxFuture<'_, Result<Option<T>>> {
        self.core.update(Target::new(key_or_row), patch.into_assignments())
    }

    /// Changes the columns that the patch sets of every row that matches, all or none, and returns
    /// how many rows there are. [`Filter::all`] is every row; a patch that sets nothing only counts.
    ///
    /// Fails with [`Error::Conflict`] when two rows would have the same value of a unique column,
    /// and with [`Error::Validation`] when an [`increment`](crate::increment) leads outside of a
    /// column's type, or is of a unique column: whether a row is in the way of one that takes its
    /// place would depend on which of them a database changes first.
    ///
    /// ```
    /// # use storehouse::prelude::*;
    /// # #[derive(Table, Debug)]
    /// # struct Product { #[table(key)] sku: String, category: String, stock: u32, price: f64 }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// # let products = storehouse::open("memory:").await?.tabular::<Product>().await?;
    /// # products.setup_database().await?;
    /// # products.put(Product { sku: "A1".into(), category: "tools".into(), stock: 3, price: 9.5 }).await?;
    /// let sold = ProductPatch { stock: increment(-1), price: Set(9.0), ..Default::default() };
    /// let filter = Product::CATEGORY.eq("tools") & Product::STOCK.gt(0);
    /// assert_eq!(products.update_where(filter, sold).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_where(&self, filter: Filter<T>, patch: T::Patch) -> BoxFuture<'_, Result<u64>> {
        self.core.update_where(filter.into_tree(), patch.into_assignments())
    }
}
