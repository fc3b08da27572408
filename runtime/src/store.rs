//! Opening a store from a URL, and what an opened store gives.

use std::{any::Any, sync::Arc};

use crate::{
    backend::{Backend, Connector, DynBackend, DynBackendTransaction},
    capabilities::Capabilities,
    definition::TableDef,
    environment::{Clock, Environment, IdGenerator},
    error::{Error, Result},
    kv::{self, Kv, KvKey, KvValue},
    layers::{Layer, LayerScope, Layers},
    maybe_send::BoxFuture,
    migration::Migration,
    raw_sql::{RawSql, SqlText},
    record::Record,
    reference::{self, TableSet},
    storage::DynTabularStorage,
    table::{Row, Table},
    tabular::Tabular,
    transaction::Transaction,
};

mod logged;

pub(crate) use self::logged::LoggedTables;

/// An opened database. Cheap to clone; the database closes when the last clone and the last
/// handle are dropped.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn DynBackend>,
    /// The same, with the layers around what it does by itself.
    layered: Arc<dyn DynBackend>,
    layers: Layers,
    environment: Environment,
    /// Set where every table keeps a log of its changes.
    logged: Option<Arc<LoggedTables>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend.name()).finish_non_exhaustive()
    }
}

impl Store {
    /// A store over a backend that was opened by hand.
    pub fn from_backend(backend: Arc<dyn DynBackend>) -> Self {
        Self::new(backend, Environment::default())
    }

    fn new(backend: Arc<dyn DynBackend>, environment: Environment) -> Self {
        let layered = Arc::clone(&backend);
        Self { backend, layered, layers: Layers::default(), environment, logged: None }
    }

    /// The same store with a layer around it: around each table and each key-value store that is
    /// opened from it, and around what the store does by itself. See [`layers`](crate::layers).
    ///
    /// ```
    /// use storehouse::{layers::ReadOnly, prelude::*};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// let store = storehouse::open("memory:").await?;
    /// let numbers = store.kv::<String, i64>("numbers").await?;
    /// numbers.setup_database().await?;
    /// numbers.put("seven", 7).await?;
    ///
    /// let guarded = store.layer(ReadOnly).kv::<String, i64>("numbers").await?;
    /// assert_eq!(guarded.get("seven").await?, Some(7));
    /// assert!(guarded.put("eight", 8).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn layer(&self, layer: impl Layer) -> Self {
        let layer: Arc<dyn Layer> = Arc::new(layer);
        let mut layered = self.clone();
        layered.layered = layer.backend(layered.layered);
        layered.layers = layered.layers.and(layer);
        layered
    }

    /// The backend's name, such as `sqlite`.
    pub fn backend(&self) -> &'static str {
        self.backend.name()
    }

    /// The backend itself, for what only this one can do; `None` if it is not a `B`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// use storehouse::memory::InMemoryBackend;
    ///
    /// let store = storehouse::open("memory:").await?;
    /// assert!(store.backend_as::<InMemoryBackend>().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn backend_as<B: Backend>(&self) -> Option<&B> {
        (&*self.backend as &dyn Any).downcast_ref()
    }

    /// What the backend can do.
    pub fn capabilities(&self) -> Capabilities {
        self.layered.capabilities()
    }

    /// The table of `T`. It exists in the database once `setup_database()` was called on it.
    pub fn tabular<T: Table>(&self) -> BoxFuture<'_, Result<Tabular<T>>> {
        // Other backends look at the database here.
        Box::pin(async { self.open_table(T::definition()) })
    }

    /// The table of `T` under another name than the definition's.
    ///
    /// Fails with [`Error::Validation`] when the name is not an ASCII letter or underscore
    /// followed by letters, digits and underscores, or is longer than 63 bytes.
    pub fn tabular_as<'a, T: Table>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Tabular<T>>> {
        Box::pin(async {
            check_identifier(name)?;
            self.open_table(&Arc::new(T::definition().renamed(name.to_owned())))
        })
    }

    /// Compares tables of the database with their definitions, and brings them there.
    pub fn migration(&self) -> Migration {
        let logged = self.logged.clone();
        Migration::new(Arc::clone(&self.layered), self.environment.clone(), logged)
    }

    /// A table that is known only at run time, whose rows are [`Record`]s.
    ///
    /// Fails with [`Error::Validation`] when no backend could hold such a table; see
    /// [`TableDef::validate`](crate::TableDef::validate).
    pub fn tabular_of<'a>(
        &'a self,
        definition: &'a Arc<TableDef>,
    ) -> BoxFuture<'a, Result<Tabular<Record>>> {
        Box::pin(async {
            definition.validate()?;
            self.open_table(definition)
        })
    }

    /// The key-value store of that name, with keys of `K` and values of `V`. It exists in the
    /// database once `setup_database()` was called on it.
    ///
    /// Fails with [`Error::Validation`] when the name is not an ASCII letter or underscore followed
    /// by letters, digits and underscores, or is longer than 63 bytes.
    pub fn kv<'a, K: KvKey, V: KvValue>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Kv<K, V>>> {
        // Other backends look at the database here.
        Box::pin(async { self.open_kv(name, self.logged.is_some()) })
    }

    /// The key-value store of that name, as [`Store::kv`] opens it, with a log of its changes, so
    /// that it can be followed with [`Kv::changes`]. `setup_database()` begins the log.
    ///
    /// Through every handle of a [store with logged changes](Self::with_logged_changes) it is the
    /// same as `kv`.
    pub fn kv_logged<'a, K: KvKey, V: KvValue>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Kv<K, V>>> {
        Box::pin(async { self.open_kv(name, true) })
    }

    fn open_kv<K: KvKey, V: KvValue>(&self, name: &str, is_logged: bool) -> Result<Kv<K, V>> {
        check_identifier(name)?;
        let mut definition = kv::definition_of::<K, V>(name)?;
        if is_logged {
            definition = definition.log_changes();
        }
        let engine = Some(self.backend.engine());
        let scope = LayerScope::new(engine, None);
        let storage = self.layers.kv(&definition, &scope, |inner| self.backend.kv(inner))?;
        Ok(Kv::new(storage, self.layers.clone(), self.environment.clone(), engine))
    }

    fn open_table<T: Row>(&self, definition: &Arc<TableDef>) -> Result<Tabular<T>> {
        let definition = self.as_logged(definition);
        let storage = self.table_within_layers(&definition)?;
        let engine = Some(self.backend.engine());
        Ok(Tabular::new(storage, self.layers.clone(), definition, self.environment.clone(), engine))
    }

    fn table_within_layers(
        &self,
        definition: &Arc<TableDef>,
    ) -> Result<Arc<dyn DynTabularStorage>> {
        let storage = self.backend.tabular(definition)?;
        let scope = LayerScope::new(Some(self.backend.engine()), None);
        Ok(self.layers.tabular(storage, &scope))
    }

    /// Sets up several tables, those first that others refer to, as
    /// [`Tabular::setup_database`] does one by one.
    ///
    /// ```
    /// use storehouse::prelude::*;
    ///
    /// #[derive(Table)]
    /// struct Customer {
    ///     #[table(key, auto)]
    ///     id: i64,
    ///     name: String,
    /// }
    ///
    /// #[derive(Table)]
    /// struct Order {
    ///     #[table(key, auto)]
    ///     id: i64,
    ///     #[table(references(Customer::id))]
    ///     customer_id: i64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// let store = storehouse::open("memory:").await?;
    /// store.setup_database::<(Order, Customer)>().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn setup_database<S: TableSet>(&self) -> BoxFuture<'_, Result<()>> {
        let mut definitions = Vec::new();
        S::add_to(&mut definitions);
        Box::pin(self.setup_in_order(definitions))
    }

    /// The definition as this store has it: with a log of changes where all tables have one.
    fn as_logged(&self, definition: &Arc<TableDef>) -> Arc<TableDef> {
        match &self.logged {
            Some(logged) => logged.of(definition),
            None => Arc::clone(definition),
        }
    }

    /// The same database, every table of which keeps a log of its changes once it is set up
    /// through this; see [`StoreBuilder::log_changes`].
    #[must_use]
    pub fn with_logged_changes(mut self) -> Self {
        self.logged.get_or_insert_default();
        self
    }

    async fn setup_in_order(&self, definitions: Vec<&'static Arc<TableDef>>) -> Result<()> {
        let name = self.backend.name();
        let at = |error: Error, table: &str| error.at(name, table, "setup_database");
        for definition in reference::in_order(definitions).map_err(|error| at(error, ""))? {
            let set_up = async {
                let storage = self.table_within_layers(&self.as_logged(definition))?;
                reference::check_set_up(definition, storage.capabilities(), name)?;
                storage.setup_database().await
            };
            set_up.await.map_err(|error| at(error, &definition.name))?;
        }
        Ok(())
    }

    /// SQL of the program's own, in the dialect of the backend's database, for what typed queries
    /// cannot say; see [`RawSql`].
    ///
    /// The text has to be a literal, so that no value can get into it; bind values instead.
    pub fn raw_sql(&self, sql: impl SqlText) -> RawSql<'static> {
        RawSql::new(&self.layered, sql)
    }

    /// Begins a transaction. Prefer [`Store::transaction`], which cannot be left open.
    ///
    /// Fails with [`Error::Unsupported`] where the backend has none, with [`Error::Busy`] when
    /// another transaction does not end in time, and with [`Error::Deadlock`] inside the body of
    /// a transaction of this store.
    pub async fn begin(&self) -> Result<Transaction> {
        let name = self.backend.name();
        let begun = self.layered.begin().await.map_err(|error| error.at(name, "", "begin"))?;
        Ok(self.transaction_from_backend(begun))
    }

    /// A transaction that the backend began in a way of its own, such as one that a program
    /// began with the database's driver. Dropped without [`Transaction::commit`], it rolls back.
    ///
    /// It has to be one of this store's database.
    pub fn transaction_from_backend(
        &self,
        transaction: Arc<dyn DynBackendTransaction>,
    ) -> Transaction {
        let layered = self.layers.transaction(Arc::clone(&transaction), &*self.backend);
        Transaction::new(transaction, layered, self.backend.engine(), self.backend.name())
    }

    /// Runs `body` in a transaction: commits when it returns `Ok`, rolls back when it returns
    /// `Err`, panics, or is dropped.
    ///
    /// An error of the caller's own goes through [`Error::application`].
    pub async fn transaction<R>(
        &self,
        body: impl AsyncFnOnce(&Transaction) -> Result<R>,
    ) -> Result<R> {
        let transaction = self.begin().await?;
        match self.backend.engine().enter(body(&transaction)).await {
            Ok(result) => {
                transaction.commit().await?;
                Ok(result)
            }
            Err(error) => {
                // The body's error tells more than that of a rollback.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    /// Like [`Store::transaction`], but runs `body` again, in a new transaction, when others came
    /// in the way: as long as the error [is retryable](Error::is_retryable), `attempts` times at
    /// most.
    ///
    /// Where transactions run side by side, as on PostgreSQL, some cannot be brought into an
    /// order with the others, and it is for the program to run them again. What `body` does
    /// outside of the database it does again too; it is cloned for each attempt, so it can borrow
    /// what it reads, and has to return what it finds. A commit whose connection was lost may have
    /// been done; it is not retried.
    ///
    /// ```
    /// use storehouse::prelude::*;
    ///
    /// #[derive(Table, Debug)]
    /// struct Counter {
    ///     #[table(key)]
    ///     name: String,
    ///     value: i64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// let store = storehouse::open("memory:").await?;
    /// let counters = store.tabular::<Counter>().await?;
    /// counters.setup_database().await?;
    ///
    /// let value = store
    ///     .retry_transaction(5, async |tx| {
    ///         let counters = counters.in_tx(tx);
    ///         let value = counters.get("visits").await?.map_or(0, |row| row.value) + 1;
    ///         counters.put(Counter { name: "visits".into(), value }).await?;
    ///         Ok(value)
    ///     })
    ///     .await?;
    /// assert_eq!(value, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn retry_transaction<R>(
        &self,
        attempts: usize,
        body: impl AsyncFnOnce(&Transaction) -> Result<R> + Clone,
    ) -> Result<R> {
        let mut attempt = 1;
        loop {
            match self.transaction(body.clone()).await {
                Err(error) if attempt < attempts && error.is_retryable() => attempt += 1,
                result => return result,
            }
        }
    }
}

/// Chooses the backends, the clock and the id generator of a store, and opens it.
#[derive(Default)]
pub struct StoreBuilder {
    connectors: Vec<Arc<dyn Connector>>,
    environment: Environment,
    logs_changes: bool,
}

impl std::fmt::Debug for StoreBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreBuilder").field("schemes", &self.schemes()).finish_non_exhaustive()
    }
}

impl StoreBuilder {
    /// A builder that knows no backend yet. The facade's `Store::builder()` knows all that are
    /// compiled in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a backend. Where two open the same scheme, the one added last does.
    #[must_use]
    pub fn register(mut self, connector: impl Connector) -> Self {
        self.connectors.push(Arc::new(connector));
        self
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.environment.clock = Arc::new(clock);
        self
    }

    /// Takes identifiers from `ids`.
    #[must_use]
    pub fn id_generator(mut self, ids: impl IdGenerator) -> Self {
        self.environment.ids = Arc::new(ids);
        self
    }

    /// Lets every table keep a log of its changes, as `#[table(changes)]` does for one, so that
    /// [`Tabular::changes`] can follow it. Where the backend has no changes, this does nothing.
    ///
    /// ```
    /// use storehouse::{OpenStore, prelude::*};
    ///
    /// #[derive(Table, Clone, Debug)]
    /// struct Note {
    ///     #[table(key)]
    ///     id: i64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// let store = Store::builder().log_changes().open("memory:").await?;
    /// let notes = store.tabular::<Note>().await?;
    /// notes.setup_database().await?;
    /// let mut changes = notes.changes(Since::Now).await?;
    /// notes.put(Note { id: 7 }).await?;
    /// assert_eq!(changes.try_next().await?.unwrap().key, Some(7));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn log_changes(mut self) -> Self {
        self.logs_changes = true;
        self
    }

    /// Opens the database that `url` names.
    ///
    /// Fails with [`Error::Validation`] when no registered backend opens such URLs, or the
    /// backend does not understand it.
    pub async fn open(self, url: &str) -> Result<Store> {
        let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
        let connector = (self.connectors.iter().rev())
            .find(|connector| connector.schemes().contains(&scheme))
            .ok_or_else(|| {
                Error::validation(format!(
                    "no backend opens `{scheme}:` URLs; this program has: {}. \
                     Turn on the backend's feature, or add it with `Store::builder().register(..)`",
                    self.schemes().join(", ")
                ))
            })?;
        let backend = connector.open(url).await?;
        let logged = self.logs_changes.then(Arc::default);
        Ok(Store { logged, ..Store::new(backend, self.environment) })
    }

    fn schemes(&self) -> Vec<&'static str> {
        self.connectors.iter().flat_map(|connector| connector.schemes()).copied().collect()
    }
}

/// The names that every database can hold: checked by the derive at compile time, and here for
/// names that come at run time.
pub(crate) fn check_identifier(name: &str) -> Result<()> {
    let mut characters = name.chars();
    let begins = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let goes_on = characters.all(|next| next.is_ascii_alphanumeric() || next == '_');
    if begins && goes_on && name.len() <= 63 {
        Ok(())
    } else {
        Err(Error::validation(format!(
            "`{name}` cannot be a table's name; use an ASCII letter or underscore, \
             then letters, digits and underscores, 63 bytes at most"
        )))
    }
}
