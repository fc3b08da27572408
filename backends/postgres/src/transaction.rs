//! Interactive transactions, each on a connection of its own.
//!
//! PostgreSQL ends a transaction at the first error. Here one goes on, as on the other backends:
//! each write is behind a savepoint, to which a failed one goes back.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr};
use storehouse_runtime::{BackendTransaction, DynTabularStorage, Error, Result, TableDef};
use tokio::sync::MutexGuard;

use crate::{
    engine::Engine,
    error,
    pool::{Failure, Held},
    storage::PostgresTabularStorage,
    table::Table,
};

/// An open transaction of a PostgreSQL database.
pub struct PostgresTransaction {
    session: Arc<Session>,
    /// How many savepoints the caller has open.
    level: AtomicUsize,
}

/// What a transaction shares with the storages that joined it.
pub(crate) struct Session {
    pub(crate) engine: Arc<Engine>,
    state: tokio::sync::Mutex<State>,
    /// Savepoints to go back to before anything else is done, the last one first.
    undo: Mutex<Vec<usize>>,
}

/// Where a transaction stands.
struct State {
    /// `None` after the end.
    held: Option<Held>,
    /// Whether the savepoint before the last write is there.
    guarded: bool,
    /// Whether a write's future was dropped, so that nobody knows how far it came.
    interrupted: bool,
    /// Why nothing but a rollback is possible.
    broken: Option<&'static str>,
}

const ENDED: &str = "the transaction has ended";
const GUARD: &str = "storehouse_guard";

impl Session {
    /// Waits for the operation before, and makes ready for the next.
    pub(crate) async fn start(&self, access: Access, table: &Table) -> Result<Turn<'_>> {
        let mut state = self.state.lock().await;
        self.settle(&mut state).await?;
        // A read fails where there is no such table, and hardly ever otherwise.
        let is_guarded = access == Access::Write || !table.is_there.load(Ordering::Relaxed);
        if is_guarded {
            state.guard().await?;
            state.interrupted = true;
        }
        Ok(Turn { state, is_guarded })
    }

    /// Does what has to be done first: goes back to savepoints, and undoes what was interrupted.
    async fn settle(&self, state: &mut State) -> Result<()> {
        if let Some(broken) = state.broken {
            return Err(Error::closed(broken));
        }
        if state.held.is_none() {
            return Err(Error::closed(ENDED));
        }
        if state.interrupted {
            state.execute(format!("ROLLBACK TO SAVEPOINT {GUARD}")).await?;
            state.interrupted = false;
        }
        loop {
            let level = self.undo.lock().unwrap_or_else(PoisonError::into_inner).first().copied();
            let Some(level) = level else { return Ok(()) };
            let name = savepoint(level);
            state
                .execute(format!("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}"))
                .await?;
            state.guarded = false;
            self.undo.lock().unwrap_or_else(PoisonError::into_inner).remove(0);
        }
    }

    async fn end(&self, sql: &'static str) -> Result<()> {
        let mut state = self.state.lock().await;
        if sql == "COMMIT" {
            self.settle(&mut state).await?;
        }
        let Some(mut held) = state.held.take() else {
            return if sql == "COMMIT" { Err(Error::closed(ENDED)) } else { Ok(()) };
        };
        execute(&mut held, sql).await.map_err(of_database)
    }
}

/// What an operation does to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// The connection of a transaction, for one operation.
pub(crate) struct Turn<'s> {
    state: MutexGuard<'s, State>,
    /// Whether there is a savepoint to go back to.
    is_guarded: bool,
}

impl Turn<'_> {
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection, Failure> {
        self.state.held()?.start()
    }

    /// Undoes the operation if it failed, so that the transaction can go on.
    pub(crate) async fn finish<R>(
        mut self,
        result: Result<R, Failure>,
        table: &Table,
    ) -> Result<R> {
        let state = &mut *self.state;
        state.interrupted = false;
        let held = state.held()?;
        held.finish(&result);
        held.mark(false);
        let failure = match result {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        if failure.is_lost() {
            state.held = None;
        } else if self.is_guarded && !error::may_run_again(&failure) {
            state.execute(format!("ROLLBACK TO SAVEPOINT {GUARD}")).await?;
        } else if matches!(failure, Failure::Sqlx(_)) {
            state.broken = Some(
                "the transaction was ended by the error before this; roll it back, and run it again",
            );
        }
        Err(error::of_table(failure, &table.definition))
    }
}

/// Runs `$work` on the connection of a transaction; a macro for the same reason as `pool::run`.
macro_rules! run_in {
    ($session:expr, $table:expr, $access:expr, |$connection:ident| $work:expr) => {{
        let mut turn = $session.start($access, $table).await?;
        let result = match turn.connection() {
            Ok($connection) => $work.await,
            Err(failure) => Err(failure),
        };
        turn.finish(result, $table).await
    }};
}
pub(crate) use run_in;

/// Runs a statement that has no answer.
async fn execute(held: &mut Held, sql: impl SqlSafeStr) -> Result<(), Failure> {
    let result = match held.start() {
        Ok(connection) => {
            let executed = sqlx::raw_sql(sql).execute(connection).await;
            executed.map(drop).map_err(Failure::from)
        }
        Err(failure) => Err(failure),
    };
    held.finish(&result);
    result
}

impl State {
    fn held(&mut self) -> Result<&mut Held> {
        self.held.as_mut().ok_or_else(|| Error::closed(ENDED))
    }

    /// Makes the savepoint before a write, in place of the one before the last.
    async fn guard(&mut self) -> Result<()> {
        let sql = if self.guarded {
            format!("RELEASE SAVEPOINT {GUARD}; SAVEPOINT {GUARD}")
        } else {
            format!("SAVEPOINT {GUARD}")
        };
        self.execute(sql).await?;
        self.guarded = true;
        Ok(())
    }

    async fn execute(&mut self, sql: String) -> Result<()> {
        let held = self.held()?;
        let result = execute(held, AssertSqlSafe(sql)).await;
        held.mark(false);
        result.map_err(of_database)
    }
}

fn of_database(failure: Failure) -> Error {
    match failure {
        Failure::Sqlx(error) => error::of_database(error),
        Failure::Ours(error) => error,
    }
}

fn savepoint(level: usize) -> String {
    format!("storehouse_{level}")
}

impl PostgresTransaction {
    pub(crate) async fn begin(engine: &Arc<Engine>) -> Result<Self> {
        engine.id.check_may_wait()?;
        let sql = engine.options.isolation.begin();
        let mut held = engine.acquire().await?;
        let mut begun = execute(&mut held, sql).await;
        if begun.as_ref().is_err_and(Failure::is_lost) {
            // The connection was lost while it was idle; nothing has been done yet.
            drop(held);
            held = engine.acquire().await?;
            begun = execute(&mut held, sql).await;
        }
        begun.map_err(of_database)?;
        held.mark(false);
        let state = State { held: Some(held), guarded: false, interrupted: false, broken: None };
        let session = Session {
            engine: Arc::clone(engine),
            state: tokio::sync::Mutex::new(state),
            undo: Mutex::default(),
        };
        Ok(Self { session: Arc::new(session), level: AtomicUsize::new(0) })
    }

    async fn execute(&self, sql: String) -> Result<()> {
        let mut state = self.session.state.lock().await;
        self.session.settle(&mut state).await?;
        if state.guarded {
            state.execute(format!("RELEASE SAVEPOINT {GUARD}")).await?;
            state.guarded = false;
        }
        state.execute(sql).await
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
        let roll_back = async move { session.end("ROLLBACK").await };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                // Nobody waits for it, and a connection that is lost has rolled back by itself.
                runtime.spawn(roll_back);
            }
            // Without a runtime the connection is closed, which rolls back too.
            Err(_) => {
                if let Ok(mut state) = self.session.state.try_lock() {
                    state.held = None;
                }
            }
        }
    }
}

impl BackendTransaction for PostgresTransaction {
    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        Ok(Arc::new(PostgresTabularStorage::in_transaction(&self.session, definition)))
    }

    async fn commit(&self) -> Result<()> {
        self.session.end("COMMIT").await
    }

    async fn rollback(&self) -> Result<()> {
        self.session.end("ROLLBACK").await
    }

    async fn savepoint(&self) -> Result<()> {
        let level = self.level.load(Ordering::Relaxed) + 1;
        self.execute(format!("SAVEPOINT {}", savepoint(level))).await?;
        self.level.store(level, Ordering::Relaxed);
        Ok(())
    }

    async fn release_savepoint(&self) -> Result<()> {
        let level = self.level.load(Ordering::Relaxed);
        if level == 0 {
            return Err(Error::validation("the transaction has no open savepoint"));
        }
        self.execute(format!("RELEASE SAVEPOINT {}", savepoint(level))).await?;
        self.level.store(level - 1, Ordering::Relaxed);
        Ok(())
    }

    fn rollback_savepoint(&self) {
        let level = self.level.load(Ordering::Relaxed);
        if level > 0 {
            self.level.store(level - 1, Ordering::Relaxed);
            self.session.undo.lock().unwrap_or_else(PoisonError::into_inner).push(level);
        }
    }
}
