//! Connections that are held.
//!
//! A connection is taken without asking the server whether it still answers; one that turns out
//! to be broken is dropped, together with all that wait idly beside it, and a read is then tried
//! once more. A connection whose user went away in the middle of a statement is closed, and what
//! has to come after that statement waits until the server is done with it.

use std::{
    any::Any,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions,
};
use storehouse_runtime::{Error, Result, WriteMode};
use tokio::{
    runtime::{self, Handle},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::{
    error::{self, LOCK_NOT_AVAILABLE, UNIQUE_VIOLATION},
    options::PostgresOptions,
    statistics::Counters,
};

/// Counts how often the server was lost. Connections from before are not used any more, whichever
/// pool they are in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generation(Arc<AtomicU64>);

impl Generation {
    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// A connection that nobody uses.
#[derive(Debug)]
struct Idle {
    connection: PgConnection,
    generation: u64,
    /// The runtime that drives it. It would hang on another, should this one end.
    runtime: runtime::Id,
    since: Instant,
}

/// A connection that nobody has used for so long is asked whether it still answers.
const DOUBTFUL_AFTER: Duration = Duration::from_secs(1);

/// One that does not answer in this time is taken for lost. It costs no more than a new one.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The connections of one kind.
#[derive(Debug)]
pub(crate) struct Pool {
    connect: PgConnectOptions,
    permits: Arc<Semaphore>,
    /// The one that was used last is at the end.
    idle: Mutex<Vec<Idle>>,
    generation: Generation,
    acquire_timeout: Duration,
    max_connections: usize,
    /// What every operation begins with where it has to be a transaction.
    begin: Option<Arc<str>>,
    /// How long a statement waits for locked rows.
    lock_timeout: Duration,
    counters: Arc<Counters>,
}

impl Pool {
    /// A pool whose writes wait `lock_timeout` for locked rows.
    pub(crate) fn new(
        options: &PostgresOptions,
        max_connections: usize,
        lock_timeout: Duration,
        generation: &Generation,
        counters: &Arc<Counters>,
    ) -> Self {
        let mut connect = options.connect.clone().disable_statement_logging();
        let begin = if options.transaction_pooling {
            connect = connect.statement_cache_capacity(0);
            Some(format!("BEGIN; {}", set_lock_timeout(lock_timeout)).into())
        } else {
            connect = connect.options([("lock_timeout", lock_timeout.as_millis().to_string())]);
            None
        };
        Self {
            connect,
            permits: Arc::new(Semaphore::new(max_connections)),
            idle: Mutex::default(),
            generation: generation.clone(),
            acquire_timeout: options.acquire_timeout,
            max_connections,
            begin,
            lock_timeout,
            counters: Arc::clone(counters),
        }
    }

    /// A connection, once there is one.
    ///
    /// What is seldom awaited is boxed: every operation carries this future, and would else be
    /// several times as large.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Result<Held> {
        let permits = Arc::clone(&self.permits);
        let permit = match permits.try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => Box::pin(self.wait_for_permit()).await?,
        };
        let generation = self.generation.get();
        let runtime = Handle::current();
        let connection = match self.take_idle(generation, runtime.id()) {
            Some(idle) if idle.since.elapsed() < DOUBTFUL_AFTER => Some(idle.connection),
            Some(idle) => Box::pin(self.ask(idle)).await,
            None => None,
        };
        let connection = match connection {
            Some(connection) => connection,
            None => Box::pin(self.open()).await?,
        };
        Ok(Held {
            connection: Some(connection),
            is_clean: true,
            generation: self.generation.get(),
            runtime,
            kept: None,
            pool: Arc::clone(self),
            permit: Some(permit),
        })
    }

    /// A connection of that runtime. Where there is none, one of another makes room if it must.
    fn take_idle(&self, generation: u64, runtime: runtime::Id) -> Option<Idle> {
        let mut idle = self.idle();
        idle.retain(|idle| idle.generation == generation);
        let found = idle.iter().rposition(|idle| idle.runtime == runtime);
        if let Some(found) = found {
            return Some(idle.remove(found));
        }
        let in_use = self.max_connections - self.permits.available_permits();
        if !idle.is_empty() && idle.len() + in_use > self.max_connections {
            idle.remove(0);
        }
        None
    }

    /// The connection, unless it does not answer any more.
    async fn ask(&self, mut idle: Idle) -> Option<PgConnection> {
        let patience = ANSWERS_WITHIN.min(self.acquire_timeout);
        let answer = tokio::time::timeout(patience, idle.connection.ping()).await;
        if matches!(answer, Ok(Ok(()))) {
            return Some(idle.connection);
        }
        // Lost, or cut off without a word.
        self.generation.end();
        None
    }

    async fn wait_for_permit(&self) -> Result<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        match tokio::time::timeout(self.acquire_timeout, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::busy(format!(
                "all {} connections have been in use for {:?}; \
                 raise `max_connections`, or keep transactions shorter",
                self.max_connections, self.acquire_timeout
            ))),
        }
    }

    async fn open(&self) -> Result<PgConnection> {
        self.counters.connections.add(1);
        match tokio::time::timeout(self.acquire_timeout, self.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(error::silent(self.acquire_timeout)),
        }
    }

    async fn connect(&self) -> Result<PgConnection> {
        let mut connection = self.connect.connect().await.map_err(error::of_connecting)?;
        if self.begin.is_some() {
            learn_vector(&mut connection).await;
        }
        Ok(connection)
    }

    /// Lets go of every connection that is not in use.
    pub(crate) fn renew(&self) {
        self.generation.end();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets sqlx look up pgvector's types, where there are such. It would otherwise do so between
/// preparing a statement and running it, and a statement without a name would be gone by then:
/// that happens here instead, to a statement that nobody needs.
async fn learn_vector(connection: &mut PgConnection) {
    let known = sqlx::query_as(
        "SELECT to_regtype('vector') IS NOT NULL, to_regtype('halfvec') IS NOT NULL",
    )
    .persistent(false)
    .fetch_one(&mut *connection);
    let sql = match known.await {
        Ok((true, true)) => "SELECT NULL::vector, NULL::halfvec",
        Ok((true, false)) => "SELECT NULL::vector",
        _ => return,
    };
    let _ = sqlx::query(sql).persistent(false).execute(connection).await;
}

/// Sets how long a transaction waits for a locked row, until it ends.
pub(crate) fn set_lock_timeout(lock_timeout: Duration) -> String {
    format!("SET LOCAL lock_timeout = {}", lock_timeout.as_millis())
}

/// A connection in use. Dropped, it goes back, unless something is still under way on it.
pub(crate) struct Held {
    connection: Option<PgConnection>,
    is_clean: bool,
    generation: u64,
    runtime: Handle,
    kept: Option<Kept>,
    pool: Arc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
}

/// What lives as long as the statements that are under way on a connection.
pub(crate) type Kept = Arc<dyn Any + Send + Sync>;

impl Held {
    /// The connection, for statements. It is kept only when `finish` is told how they went.
    pub(crate) fn start(&mut self) -> Result<&mut PgConnection, Failure> {
        self.is_clean = false;
        let lost = || Failure::from(Error::closed("the connection was lost; try again"));
        self.connection.as_mut().ok_or_else(lost)
    }

    /// Says that the statements came to their end, whatever it was.
    pub(crate) fn finish<R>(&mut self, result: &Result<R, Failure>) {
        self.is_clean = true;
        if result.as_ref().is_err_and(Failure::is_lost) {
            self.connection = None;
            self.pool.generation.end();
        }
    }

    /// Like `start`, for all statements of one operation, which behind a pooler have to be a
    /// transaction: it may give another connection to the next.
    pub(crate) async fn start_operation(&mut self) -> Result<&mut PgConnection, Failure> {
        let begin = self.pool.begin.clone();
        let connection = self.start()?;
        if let Some(begin) = begin {
            sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut *connection).await?;
        }
        Ok(connection)
    }

    /// Ends what `start_operation` began.
    pub(crate) async fn finish_operation<R>(
        &mut self,
        mut result: Result<R, Failure>,
    ) -> Result<R, Failure> {
        if self.pool.begin.is_some()
            && !result.as_ref().is_err_and(Failure::is_lost)
            && let Some(connection) = &mut self.connection
        {
            let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
            if let Err(error) = sqlx::raw_sql(end).execute(connection).await {
                result = result.and(Err(Failure::from(error)));
            }
        }
        self.finish(&result);
        result
    }

    /// Keeps something until the server is done with what is under way, also when the one who
    /// waits for it goes away.
    pub(crate) fn keep(&mut self, kept: Option<Kept>) {
        self.kept = kept;
    }

    /// Says that a transaction is open, so that the connection cannot go back as it is.
    pub(crate) fn mark(&mut self, is_clean: bool) {
        self.is_clean = is_clean;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if self.is_clean && self.generation == self.pool.generation.get() {
            self.pool.idle().push(Idle {
                connection,
                generation: self.generation,
                runtime: self.runtime.id(),
                since: Instant::now(),
            });
        } else if let (false, Some(kept)) = (self.is_clean, self.kept.take()) {
            // A server does not notice that a connection was closed before it has run what it was
            // sent. Its answer to a ping comes after that.
            let patience = self.pool.lock_timeout.saturating_add(ANSWERS_WITHIN);
            let permit = self.permit.take();
            self.runtime.spawn(async move {
                let _ = tokio::time::timeout(patience, connection.ping()).await;
                drop((connection, permit, kept));
            });
        }
    }
}

/// What went wrong on a connection: the server or the driver reported it, or we did.
#[derive(Debug)]
pub(crate) enum Failure {
    Sqlx(sqlx::Error),
    Ours(Error),
    /// There was no connection to be had, so nothing was done.
    Unreached(Error),
}

impl Failure {
    /// Whether the connection cannot be used any more.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Sqlx(error) => error::is_lost(error),
            Self::Ours(_) | Self::Unreached(_) => false,
        }
    }

    /// Whether it is about the connection, and so about all that would have gone over it.
    pub(crate) fn concerns_all(&self) -> bool {
        self.is_lost() || matches!(self, Self::Unreached(_))
    }

    /// Whether something that it needs stayed locked.
    pub(crate) fn is_locked(&self) -> bool {
        self.code() == Some(LOCK_NOT_AVAILABLE)
    }

    /// The five characters by which PostgreSQL names what went wrong.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Sqlx(sqlx::Error::Database(error)) => error
                .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
                .map(sqlx::postgres::PgDatabaseError::code),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlx(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

/// Runs `$work` on a connection of `$pool`, and once more on another as long as `$again` says so
/// of the failure and of how often it was tried. `$kept` lives until the server is done with it.
///
/// A macro, because an async closure that borrows a connection is not known to be `Send`
/// (<https://github.com/rust-lang/rust/issues/110338>).
macro_rules! run {
    ($pool:expr, $again:expr, |$connection:ident| $work:expr) => {
        $crate::pool::run!($pool, $again, None, |$connection| $work)
    };
    ($pool:expr, $again:expr, $kept:expr, |$connection:ident| $work:expr) => {{
        let mut attempt = 1;
        loop {
            let mut held = match $pool.acquire().await {
                Ok(held) => held,
                Err(error) => break Err($crate::pool::Failure::Unreached(error)),
            };
            held.keep($kept);
            let result = match held.start_operation().await {
                Ok($connection) => $work.await,
                Err(failure) => Err(failure),
            };
            let result = held.finish_operation(result).await;
            drop(held);
            match result {
                Err(failure) if $again(&failure, attempt) => attempt += 1,
                result => break result,
            }
        }
    }};
}
pub(crate) use run;

/// A read is tried once more when its connection was lost: it may have been lost long before.
pub(crate) fn read_again(failure: &Failure, attempt: usize) -> bool {
    attempt == 1 && failure.is_lost()
}

/// What nobody knows the meaning of is never tried again.
pub(crate) fn never_again(_: &Failure, _: usize) -> bool {
    false
}

/// A set-up is tried again when another one, or somebody by hand, has created the same thing
/// meanwhile.
pub(crate) fn set_up_again(failure: &Failure, attempt: usize) -> bool {
    let is_there = matches!(failure.code(), Some("42P06" | "42P07" | "42710"));
    write_again(failure, attempt) || (attempt < 5 && is_there)
}

/// When rows are written again that were written in `mode`.
///
/// A row that is put cannot clash with its own key, but it can seem to clash with itself by another
/// unique column: where somebody replaces the same row at the same moment, PostgreSQL may see
/// neither the row before nor the one after, and asks the other unique indexes too.
pub(crate) fn rows_again(mode: WriteMode) -> fn(&Failure, usize) -> bool {
    match mode {
        WriteMode::Put => |failure, attempt| {
            let seems_to_clash = failure.code() == Some(UNIQUE_VIOLATION);
            write_again(failure, attempt) || (attempt < 3 && seems_to_clash)
        },
        _ => write_again,
    }
}

/// A write is tried again when the server undid it for the sake of others. When the connection
/// was lost, nobody knows whether it was done.
pub(crate) fn write_again(failure: &Failure, attempt: usize) -> bool {
    attempt < 5 && error::may_run_again(failure)
}
