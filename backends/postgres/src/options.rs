//! How a PostgreSQL database is opened.

use std::{str::FromStr as _, time::Duration};

use sqlx::postgres::PgConnectOptions;
use storehouse_runtime::{ChangeRetention, Endpoint, Error, Result};

use crate::profile::Profile;

/// Where a PostgreSQL database is, and how many connections to it are held.
///
/// ```
/// use std::time::Duration;
/// use storehouse_postgres::{Isolation, PostgresOptions};
///
/// # fn main() -> storehouse_runtime::Result<()> {
/// let options = PostgresOptions::from_url("postgres://shop@localhost/shop")?
///     .max_connections(20)
///     .lock_timeout(Duration::from_secs(1))
///     .isolation(Isolation::RepeatableRead);
/// # let _ = options;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    pub(crate) connect: PgConnectOptions,
    pub(crate) max_connections: usize,
    pub(crate) acquire_timeout: Duration,
    pub(crate) lock_timeout: Duration,
    pub(crate) isolation: Isolation,
    pub(crate) coalescing: bool,
    pub(crate) profile: Option<Profile>,
    pub(crate) transaction_pooling: bool,
    pub(crate) change_retention: ChangeRetention,
}

/// How far transactions are kept from seeing each other. Single operations do not need it: each
/// is one statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// As if transactions ran one after the other, as on the other backends. One that cannot be
    /// fitted in fails with a retryable error.
    #[default]
    Serializable,
    /// A transaction sees the database as it was when it began; one that changes what another
    /// has changed meanwhile fails with a retryable error.
    RepeatableRead,
    /// Each statement sees what was committed when it began. What was read before may have
    /// changed since, so an update that is computed from it can lose another's.
    ReadCommitted,
}

impl Isolation {
    pub(crate) const fn begin(self) -> &'static str {
        match self {
            Self::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            Self::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Self::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }
}

/// The name that OpenTelemetry's conventions give to PostgreSQL.
const SYSTEM: &str = "postgresql";

/// The port that PostgreSQL listens on unless it is told otherwise.
const USUAL_PORT: u16 = 5432;

impl PostgresOptions {
    /// Where the database is; with the schema of a table.
    pub(crate) fn endpoint(&self, schema: &str) -> Endpoint {
        let connect = &self.connect;
        // The server takes the user's name where the database has none.
        let database = connect.get_database().unwrap_or_else(|| connect.get_username());
        let endpoint = Endpoint::of(SYSTEM).with_namespace(format!("{database}|{schema}"));
        if let Some(socket) = connect.get_socket() {
            return endpoint.with_server(socket.display().to_string(), None);
        }
        let port = connect.get_port();
        endpoint.with_server(connect.get_host(), (port != USUAL_PORT).then_some(port))
    }

    /// The database that a URL names: `postgres://user:password@host:5432/database`.
    ///
    /// What the URL leaves out comes from the environment (`PGHOST`, `PGUSER`, `PGPASSWORD` and
    /// so on), as with PostgreSQL's own programs. Fails with [`Error::Validation`] when the URL
    /// is malformed.
    pub fn from_url(url: &str) -> Result<Self> {
        let connect = PgConnectOptions::from_str(url).map_err(|error| {
            // The URL is not repeated, since it may hold a password.
            Error::validation(format!(
                "this is not the URL of a PostgreSQL database: {error}; \
                 write `postgres://user:password@host:5432/database`"
            ))
        })?;
        Ok(Self::new(connect))
    }

    /// The database that sqlx's own options describe.
    pub fn new(connect: PgConnectOptions) -> Self {
        Self {
            connect,
            max_connections: 10,
            acquire_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(5),
            isolation: Isolation::default(),
            coalescing: true,
            profile: None,
            transaction_pooling: false,
            change_retention: ChangeRetention::default(),
        }
    }

    /// At most so many connections, at least 2; 10 unless set. They are opened when they are
    /// needed and kept.
    #[must_use]
    pub fn max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections.max(2);
        self
    }

    /// How long an operation waits for a connection while all are in use, before it fails with
    /// [`Error::Busy`]; 30 seconds unless set.
    #[must_use]
    pub fn acquire_timeout(mut self, acquire_timeout: Duration) -> Self {
        self.acquire_timeout = acquire_timeout;
        self
    }

    /// How long a write waits for a row that another transaction has changed, before it fails
    /// with [`Error::Busy`]; 5 seconds unless set. PostgreSQL counts milliseconds, and 0 is to
    /// wait for ever.
    #[must_use]
    pub fn lock_timeout(mut self, lock_timeout: Duration) -> Self {
        self.lock_timeout = lock_timeout;
        self
    }

    /// How far transactions are kept from seeing each other.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Whether operations that are asked for at the same time may share a round trip; they may
    /// unless this is switched off.
    #[must_use]
    pub fn coalescing(mut self, coalescing: bool) -> Self {
        self.coalescing = coalescing;
        self
    }

    /// How much of a table's changes its log keeps, where it has one. Every process that uses the
    /// table should say the same.
    #[must_use]
    pub fn change_retention(mut self, retention: ChangeRetention) -> Self {
        self.change_retention = retention;
        self
    }

    /// What kind of server it is. It is asked unless this says it.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Whether a pooler in transaction mode stands between, which may hand out another connection
    /// for each transaction; there is none unless this says so.
    ///
    /// Nothing then outlives a transaction: every operation is one, statements are not kept
    /// prepared, and [`lock_timeout`](Self::lock_timeout) is set in each. That costs round trips.
    /// A pooler that keeps track of prepared statements, as `PgBouncer` does since 1.21 with
    /// `max_prepared_statements`, does not need it, if it also lets `lock_timeout` through
    /// (`ignore_startup_parameters`).
    #[must_use]
    pub fn transaction_pooling(mut self, transaction_pooling: bool) -> Self {
        self.transaction_pooling = transaction_pooling;
        self
    }
}
