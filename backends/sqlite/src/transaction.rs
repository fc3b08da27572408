//! An interactive transaction on the caller's side.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use storehouse_runtime::{
    BackendTransaction, DynTabularStorage, Error, RawStatement, Result, RowSink, TableDef,
};
use tokio::sync::oneshot;

use crate::{
    engine::Engine,
    job::{Session, Weight, job},
    lease::{Command, Commands, Reply},
    raw,
    storage::SqliteTabularStorage,
};

/// A transaction of several calls, which has the writer for itself until it ends.
///
/// Dropped without a commit, it rolls back.
pub struct SqliteTransaction {
    lease: Arc<Lease>,
    /// How many savepoints are open, as far as the caller knows.
    level: AtomicUsize,
}

/// What a transaction shares with the storages that joined it.
pub(crate) struct Lease {
    // Dropped before the engine, which waits for the writer, which waits for this.
    commands: Commands,
    pub(crate) engine: Arc<Engine>,
}

impl Lease {
    /// Runs an operation inside the transaction.
    pub(crate) async fn run<R, F>(&self, weight: Weight, work: F) -> Result<R>
    where
        R: Send + 'static,
        F: FnOnce(&Session<'_>) -> Result<R> + Send + 'static,
    {
        let (job, answer) = job(weight, work);
        self.send(Command::Run(job))?;
        answer.wait().await
    }

    async fn ask(&self, command: impl FnOnce(Reply) -> Command) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply))?;
        answer.await.map_err(|_| ended())?
    }

    fn send(&self, command: Command) -> Result<()> {
        self.commands.send(command).map_err(|_| ended())
    }
}

fn ended() -> Error {
    Error::closed(
        "the transaction has ended: it was committed or rolled back, by the caller or by SQLite \
         after an error; begin a new one",
    )
}

impl SqliteTransaction {
    pub(crate) async fn begin(engine: &Arc<Engine>) -> Result<Self> {
        let commands = engine.begin().await?;
        let lease = Arc::new(Lease { commands, engine: Arc::clone(engine) });
        Ok(Self { lease, level: AtomicUsize::new(0) })
    }
}

impl fmt::Debug for SqliteTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTransaction")
            .field("engine", &self.lease.engine.id)
            .field("savepoints", &self.level)
            .finish()
    }
}

/// Rolls back unless it has ended, also when a storage that joined it is still held somewhere.
impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        let _ = self.lease.send(Command::Rollback(None));
    }
}

impl BackendTransaction for SqliteTransaction {
    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        Ok(Arc::new(SqliteTabularStorage::in_transaction(&self.lease, definition)))
    }

    async fn fetch_raw(&self, statement: RawStatement, rows: RowSink) -> Result<RowSink> {
        let fetch = move |session: &Session<'_>| raw::fetch(session, &statement, rows);
        self.lease.run(Weight::Several, fetch).await
    }

    async fn execute_raw(&self, statement: RawStatement) -> Result<u64> {
        let execute = move |session: &Session<'_>| raw::execute(session, &statement);
        self.lease.run(Weight::OneStatement, execute).await
    }

    async fn commit(&self) -> Result<()> {
        self.lease.ask(Command::Commit).await
    }

    async fn rollback(&self) -> Result<()> {
        self.lease.ask(|reply| Command::Rollback(Some(reply))).await
    }

    async fn savepoint(&self) -> Result<()> {
        let level = self.level.load(Ordering::Relaxed) + 1;
        self.lease.ask(|reply| Command::Savepoint(level, reply)).await?;
        self.level.store(level, Ordering::Relaxed);
        Ok(())
    }

    async fn release_savepoint(&self) -> Result<()> {
        let level = self.level.load(Ordering::Relaxed);
        if level == 0 {
            return Err(Error::validation("the transaction has no open savepoint"));
        }
        self.lease.ask(|reply| Command::Release(level, reply)).await?;
        self.level.store(level - 1, Ordering::Relaxed);
        Ok(())
    }

    fn rollback_savepoint(&self) {
        let level = self.level.load(Ordering::Relaxed);
        if level > 0 {
            self.level.store(level - 1, Ordering::Relaxed);
            // A transaction that has ended has no savepoints left.
            let _ = self.lease.send(Command::RollbackTo(level));
        }
    }
}
