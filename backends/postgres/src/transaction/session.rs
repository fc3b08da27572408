//! The state of a transaction, which the storages that joined it take turns at.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use sqlx::{AssertSqlSafe, PgConnection};
use storehouse_runtime::{Error, Result};
use tokio::sync::{MappedMutexGuard, MutexGuard};

use super::link::{End, Link};
use crate::{engine::Engine, error, pool::Failure, table::Table};

/// What a transaction shares with the storages that joined it.
pub(crate) struct Session {
    pub(crate) engine: Arc<Engine>,
    state: tokio::sync::Mutex<State>,
    /// Savepoints to go back to before anything else is done, the last one first.
    undo: Mutex<Vec<usize>>,
    /// Whether those who follow a table have to be told of the commit.
    has_changes: AtomicBool,
}

/// Where a transaction stands.
struct State {
    /// `None` after the end.
    link: Option<Link>,
    /// Whether the savepoint before the last write is there.
    guarded: bool,
    /// Whether a write's future was dropped, so that nobody knows how far it came.
    interrupted: bool,
    /// Why nothing but a rollback is possible.
    broken: Option<&'static str>,
    /// Whether the program runs statements of its own.
    is_shared: bool,
}

const ENDED: &str = "the transaction has ended";
const GUARD: &str = "storehouse_guard";

impl Session {
    pub(super) fn new(engine: &Arc<Engine>, link: Link, is_shared: bool) -> Self {
        let link = Some(link);
        let state = State { link, guarded: false, interrupted: false, broken: None, is_shared };
        Self {
            engine: Arc::clone(engine),
            state: tokio::sync::Mutex::new(state),
            undo: Mutex::default(),
            has_changes: AtomicBool::new(false),
        }
    }

    /// Waits for the operation before, and makes ready for the next.
    pub(crate) async fn start(&self, access: Access, table: &Table) -> Result<Turn<'_>> {
        // A read fails where there is no such table, and hardly ever otherwise.
        self.take_turn(access == Access::Write || !table.is_there.load(Ordering::Relaxed)).await
    }

    /// Waits for the operation before; with a savepoint to go back to, if it is to be guarded.
    pub(crate) async fn take_turn(&self, is_guarded: bool) -> Result<Turn<'_>> {
        let mut state = self.state.lock().await;
        self.settle(&mut state).await?;
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
        if state.link.is_none() {
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

    /// The connection, for statements of the program's own.
    pub(super) async fn connection(&self) -> Result<MappedMutexGuard<'_, PgConnection>> {
        let mut state = self.state.lock().await;
        self.settle(&mut state).await?;
        state.is_shared = true;
        MutexGuard::try_map(state, |state| state.link.as_mut()?.start().ok())
            .map_err(|_| Error::closed(ENDED))
    }

    /// The transaction that was begun with sqlx.
    pub(super) async fn take_sqlx(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>> {
        let mut state = self.state.lock().await;
        self.settle(&mut state).await?;
        match state.link.take() {
            Some(Link::Sqlx(transaction)) => Ok(transaction),
            link => {
                state.link = link;
                Err(Error::validation(
                    "the transaction was not begun with sqlx; commit it with `tx.commit()`",
                ))
            }
        }
    }

    /// Runs a statement about savepoints of the caller's.
    pub(super) async fn execute(&self, sql: String) -> Result<()> {
        let mut state = self.state.lock().await;
        self.settle(&mut state).await?;
        if state.guarded {
            state.execute(format!("RELEASE SAVEPOINT {GUARD}")).await?;
            state.guarded = false;
        }
        state.execute(sql).await
    }

    /// Notes that a table that keeps a log is written to.
    pub(crate) fn note_changes(&self) {
        self.has_changes.store(true, Ordering::Relaxed);
    }

    /// Goes back to the savepoint of that level before anything else is done.
    pub(super) fn undo(&self, level: usize) {
        self.undo.lock().unwrap_or_else(PoisonError::into_inner).push(level);
    }

    /// Closes the connection, which rolls back too, where no runtime is there to wait on.
    pub(super) fn abandon(&self) {
        if let Ok(mut state) = self.state.try_lock() {
            state.link = None;
        }
    }

    pub(super) async fn end(&self, end: End) -> Result<()> {
        let mut state = self.state.lock().await;
        if end == End::Commit {
            self.settle(&mut state).await?;
            if state.is_shared {
                // After a statement that failed, a commit undoes everything and reports success.
                state.execute("SELECT 1".to_owned()).await?;
            }
        }
        let Some(link) = state.link.take() else {
            return if end == End::Commit { Err(Error::closed(ENDED)) } else { Ok(()) };
        };
        let is_shared = state.is_shared && self.engine.signals.is_used();
        link.end(end).await.map_err(error::of_server)?;
        if end == End::Commit && (is_shared || self.has_changes.load(Ordering::Relaxed)) {
            self.engine.signals.committed();
        }
        Ok(())
    }
}

/// What an operation does to rows, and so whether it may well fail.
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
        self.state.link()?.start()
    }

    /// Undoes the operation if it failed, so that the transaction can go on.
    pub(crate) async fn finish<R>(self, result: Result<R, Failure>, table: &Table) -> Result<R> {
        self.end(result).await.map_err(|failure| error::of_table(failure, &table.definition))
    }

    /// The same, where the operation is about no table in particular.
    pub(crate) async fn end<R>(mut self, result: Result<R, Failure>) -> Result<R, Failure> {
        let state = &mut *self.state;
        state.interrupted = false;
        state.link()?.finish(&result);
        let failure = match result {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        if failure.is_lost() {
            state.link = None;
        } else if self.is_guarded && !error::may_run_again(&failure) {
            state.execute(format!("ROLLBACK TO SAVEPOINT {GUARD}")).await?;
        } else if matches!(failure, Failure::Sqlx(_)) {
            state.broken = Some(
                "the transaction was ended by the error before this; roll it back, and run it again",
            );
        }
        Err(failure)
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

impl State {
    fn link(&mut self) -> Result<&mut Link> {
        self.link.as_mut().ok_or_else(|| Error::closed(ENDED))
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
        self.link()?.execute(AssertSqlSafe(sql)).await.map_err(error::of_server)
    }
}

pub(super) fn savepoint(level: usize) -> String {
    format!("storehouse_{level}")
}
