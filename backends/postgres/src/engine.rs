//! What all handles of one database share.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{PgConnection, SqlSafeStr, postgres::PgArguments, query::Query};
use storehouse_runtime::{EngineId, Result};

use crate::{
    changes::signal::Signals,
    error,
    options::{Isolation, PostgresOptions},
    pool::{self, Failure, Generation, Held, Pool},
    profile::Profile,
    statistics::Counters,
    table::{Table, Tables},
    types::{Pgvector, WireType, is_vector},
};

/// So many connections serve those who share a round trip.
const FOR_BATCHES: usize = 4;

/// A batch waits so long for a locked row. Then each of its rows goes alone, so that only who
/// wants the locked row waits for it.
const BATCH_LOCK_TIMEOUT: std::time::Duration = std::time::Duration::from_millis(50);

/// An opened database.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) id: EngineId,
    pub(crate) options: PostgresOptions,
    pub(crate) profile: Profile,
    /// For what runs alone.
    pub(crate) singles: Arc<Pool>,
    /// For what shares a round trip.
    pub(crate) batches: Arc<Pool>,
    pub(crate) tables: Tables,
    pub(crate) counters: Arc<Counters>,
    pub(crate) signals: Arc<Signals>,
    /// pgvector's types, once they have been looked for.
    pgvector: Mutex<Option<Pgvector>>,
}

impl Engine {
    /// Opens a connection, to see that there is a server, and keeps it.
    pub(crate) async fn open(options: PostgresOptions) -> Result<Self> {
        let counters = Arc::new(Counters::default());
        let for_batches =
            if options.coalescing { (options.max_connections / 2).min(FOR_BATCHES) } else { 0 };
        let (lock_timeout, generation) = (options.lock_timeout, Generation::default());
        let pool = |connections, lock_timeout| {
            Arc::new(Pool::new(&options, connections, lock_timeout, &generation, &counters))
        };
        let mut engine = Self {
            id: EngineId::new(),
            singles: pool(options.max_connections - for_batches, lock_timeout),
            batches: pool(for_batches, BATCH_LOCK_TIMEOUT),
            tables: Tables::default(),
            pgvector: Mutex::default(),
            signals: Arc::new(Signals::new(&options)),
            counters,
            profile: Profile::default(),
            options,
        };
        engine.profile = engine.first_connection().await?;
        Ok(engine)
    }

    /// Opens the first connection, which tells what kind of server it is.
    async fn first_connection(&self) -> Result<Profile> {
        let pool = if self.options.coalescing { &self.batches } else { &self.singles };
        let mut held = pool.acquire().await?;
        if let Some(profile) = self.options.profile {
            return Ok(profile);
        }
        let profile = match held.start() {
            Ok(connection) => Profile::detect(connection).await,
            Err(failure) => Err(failure),
        };
        held.finish(&profile);
        profile.map_err(error::of_server)
    }

    /// What a transaction begins with.
    pub(crate) fn begin(&self, isolation: Isolation) -> Arc<str> {
        let mut sql = String::from(isolation.begin());
        if self.options.transaction_pooling {
            sql.push_str("; ");
            sql.push_str(&pool::set_lock_timeout(self.options.lock_timeout));
        }
        sql.into()
    }

    /// A connection for one operation, or for a transaction.
    pub(crate) async fn acquire(&self) -> Result<Held> {
        self.singles.acquire().await
    }

    /// pgvector's types, where `table` has a vector and the extension is installed.
    pub(crate) async fn pgvector(
        &self,
        table: &Table,
        connection: &mut PgConnection,
    ) -> Result<Pgvector, Failure> {
        let columns = &table.definition.columns;
        if !columns.iter().any(|column| is_vector(column.column_type)) {
            return Ok(Pgvector::default());
        }
        let known = *self.pgvector.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known {
            return Ok(known);
        }
        self.look_for_pgvector(connection).await
    }

    /// Looks whether the extension is installed, as it may have been meanwhile.
    pub(crate) async fn look_for_pgvector(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Pgvector, Failure> {
        let found: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT typname::text, oid::bigint, typarray::bigint FROM pg_type \
             WHERE oid IN (to_regtype('vector'), to_regtype('halfvec'))",
        )
        .persistent(false)
        .fetch_all(connection)
        .await?;
        let number = |oid: i64| u32::try_from(oid).unwrap_or_default();
        let named = |name: &str| {
            let (_, one, array) = found.iter().find(|(found, ..)| found == name)?;
            Some(WireType { one: number(*one), array: number(*array) })
        };
        let pgvector = Pgvector { vector: named("vector"), halfvec: named("halfvec") };
        *self.pgvector.lock().unwrap_or_else(PoisonError::into_inner) = Some(pgvector);
        Ok(pgvector)
    }

    /// A statement with its arguments, which the server keeps prepared unless it may not.
    pub(crate) fn query<'q>(
        &self,
        sql: impl SqlSafeStr,
        arguments: PgArguments,
    ) -> Query<'q, sqlx::Postgres, PgArguments> {
        sqlx::query_with(sql, arguments).persistent(!self.options.transaction_pooling)
    }
}
