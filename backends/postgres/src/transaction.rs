//! Interactive transactions, each on a connection of its own.
//!
//! PostgreSQL ends a transaction at the first error. Here one goes on, as on the other backends:
//! each write is behind a savepoint, to which a failed one goes back.

mod link;
mod session;

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sqlx::{AssertSqlSafe, PgConnection};
use storehouse_runtime::{
    BackendTransaction, DynTabularStorage, Error, RawStatement, Result, RowSink, TableDef,
};
use tokio::sync::MappedMutexGuard;

pub(crate) use self::session::{Access, Session, run_in};
use self::{
    link::{End, Link},
    session::savepoint,
};
use crate::{
    backend::PostgresBackend, engine::Engine, error, options::Isolation, pool::Failure, raw,
    storage::PostgresTabularStorage,
};

/// An open transaction of a PostgreSQL database.
pub struct PostgresTransaction {
    session: Arc<Session>,
    /// How many savepoints the caller has open.
    level: AtomicUsize,
}

impl PostgresTransaction {
    /// Begins a transaction with an isolation of its own, whatever
    /// [`PostgresOptions::isolation`](crate::PostgresOptions::isolation) says. A handle joins it
    /// by way of `Store::transaction_from_backend`.
    ///
    /// Fails with `Error::Busy` when no connection becomes free in time.
    pub async fn begin(backend: &PostgresBackend, isolation: Isolation) -> Result<Self> {
        Self::begin_on(&backend.engine, isolation).await
    }

    pub(crate) async fn begin_on(engine: &Arc<Engine>, isolation: Isolation) -> Result<Self> {
        engine.id.check_may_wait()?;
        let sql = engine.begin(isolation);
        let mut held = engine.acquire().await?;
        let mut begun = link::execute(&mut held, AssertSqlSafe(Arc::clone(&sql))).await;
        if begun.as_ref().is_err_and(Failure::is_lost) {
            // The connection was lost while it was idle; nothing has been done yet.
            drop(held);
            held = engine.acquire().await?;
            begun = link::execute(&mut held, AssertSqlSafe(Arc::clone(&sql))).await;
        }
        begun.map_err(error::of_server)?;
        held.mark(false);
        Ok(Self::new(engine, Link::Ours(held), false))
    }

    /// Goes on with a transaction that was begun with sqlx, so that what handles do and what the
    /// program does with sqlx happens together or not at all. Of the same database as `backend`.
    ///
    /// Statements of the program's own go through [`PostgresTransaction::connection`], and
    /// `Transaction::commit` commits all of it; to commit with sqlx instead, take the transaction
    /// back with [`PostgresTransaction::take_sqlx`].
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use storehouse::{postgres::{PostgresBackend, PostgresTransaction}, prelude::*};
    ///
    /// #[derive(Table, Debug)]
    /// struct Product {
    ///     #[table(key)]
    ///     sku: String,
    ///     price: f64,
    /// }
    ///
    /// # async fn example(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
    /// let backend = PostgresBackend::from_pool(&pool).await?;
    /// let store = Store::from_backend(Arc::new(backend.clone()));
    /// let products = store.tabular::<Product>().await?;
    ///
    /// let mut begun = pool.begin().await?;
    /// sqlx::query("INSERT INTO audit (what) VALUES ('new price')").execute(&mut *begun).await?;
    /// let joined = PostgresTransaction::from_sqlx(&backend, begun);
    /// let tx = store.transaction_from_backend(Arc::new(joined));
    /// products.in_tx(&tx).put(Product { sku: "A1".into(), price: 8.5 }).await?;
    /// tx.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_sqlx(
        backend: &PostgresBackend,
        transaction: sqlx::Transaction<'static, sqlx::Postgres>,
    ) -> Self {
        Self::new(&backend.engine, Link::Sqlx(transaction), true)
    }

    fn new(engine: &Arc<Engine>, link: Link, is_shared: bool) -> Self {
        let session = Arc::new(Session::new(engine, link, is_shared));
        Self { session, level: AtomicUsize::new(0) }
    }

    /// The connection, for statements of the program's own inside the transaction. Handles that
    /// have joined wait until it is dropped.
    ///
    /// After a statement of the program's own has failed, PostgreSQL takes nothing but a
    /// rollback, and a commit is an error. Fails with `Error::Closed` after the end.
    ///
    /// ```no_run
    /// use storehouse::{Store, postgres::PostgresTransaction};
    ///
    /// # async fn example(store: Store) -> Result<(), Box<dyn std::error::Error>> {
    /// let tx = store.begin().await?;
    /// if let Some(postgres) = tx.backend_as::<PostgresTransaction>() {
    ///     let mut connection = postgres.connection().await?;
    ///     sqlx::query("LOCK TABLE products").execute(&mut *connection).await?;
    /// }
    /// tx.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connection(&self) -> Result<TransactionConnection<'_>> {
        self.session.connection().await.map(TransactionConnection)
    }

    /// Gives back the transaction that [`PostgresTransaction::from_sqlx`] was given, to be ended
    /// with sqlx. The handles that had joined have left it, and their events never come, since
    /// nobody says whether it was committed.
    ///
    /// Fails with `Error::Validation` for a transaction that was begun otherwise, and with
    /// `Error::Closed` after the end.
    pub async fn take_sqlx(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>> {
        self.session.take_sqlx().await
    }
}

/// The connection of a transaction, from [`PostgresTransaction::connection`]: a
/// [`PgConnection`] for sqlx.
pub struct TransactionConnection<'t>(MappedMutexGuard<'t, PgConnection>);

impl Deref for TransactionConnection<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for TransactionConnection<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl fmt::Debug for TransactionConnection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionConnection").finish_non_exhaustive()
    }
}

impl fmt::Debug for PostgresTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTransaction")
            .field("engine", &self.session.engine.id)
            .field("savepoints", &self.level)
            .finish()
    }
}

/// Rolls back unless it has ended, also when a storage that joined it is still held somewhere.
impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        let session = Arc::clone(&self.session);
        let roll_back = async move { session.end(End::RollBack).await };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                // Nobody waits for it, and a connection that is lost has rolled back by itself.
                runtime.spawn(roll_back);
            }
            Err(_) => self.session.abandon(),
        }
    }
}

impl BackendTransaction for PostgresTransaction {
    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        Ok(Arc::new(PostgresTabularStorage::in_transaction(&self.session, definition)))
    }

    async fn fetch_raw(&self, statement: RawStatement, mut rows: RowSink) -> Result<RowSink> {
        let mut turn = self.session.take_turn(true).await?;
        let fetched = match turn.connection() {
            Ok(connection) => {
                raw::fetch(&self.session.engine, connection, &statement, &mut rows).await
            }
            Err(failure) => Err(failure),
        };
        turn.end(fetched).await.map_err(error::of_raw)?;
        Ok(rows)
    }

    async fn execute_raw(&self, statement: RawStatement) -> Result<u64> {
        let mut turn = self.session.take_turn(true).await?;
        let executed = match turn.connection() {
            Ok(connection) => raw::execute(&self.session.engine, connection, &statement).await,
            Err(failure) => Err(failure),
        };
        if self.session.engine.signals.is_used() {
            self.session.note_changes();
        }
        turn.end(executed).await.map_err(error::of_raw)
    }

    async fn commit(&self) -> Result<()> {
        self.session.end(End::Commit).await
    }

    async fn rollback(&self) -> Result<()> {
        self.session.end(End::RollBack).await
    }

    async fn savepoint(&self) -> Result<()> {
        let level = self.level.load(Ordering::Relaxed) + 1;
        self.session.execute(format!("SAVEPOINT {}", savepoint(level))).await?;
        self.level.store(level, Ordering::Relaxed);
        Ok(())
    }

    async fn release_savepoint(&self) -> Result<()> {
        let level = self.level.load(Ordering::Relaxed);
        if level == 0 {
            return Err(Error::validation("the transaction has no open savepoint"));
        }
        self.session.execute(format!("RELEASE SAVEPOINT {}", savepoint(level))).await?;
        self.level.store(level - 1, Ordering::Relaxed);
        Ok(())
    }

    fn rollback_savepoint(&self) {
        let level = self.level.load(Ordering::Relaxed);
        if level > 0 {
            self.level.store(level - 1, Ordering::Relaxed);
            self.session.undo(level);
        }
    }
}
