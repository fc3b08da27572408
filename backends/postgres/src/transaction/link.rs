//! The connection that a transaction runs on: one of ours, or one that a program began a
//! transaction on with sqlx.

use sqlx::{PgConnection, SqlSafeStr};
use storehouse_runtime::{Error, Source};

use crate::{
    error,
    pool::{Failure, Held},
};

/// A connection on which a transaction is open.
pub(super) enum Link {
    Ours(Held),
    Sqlx(sqlx::Transaction<'static, sqlx::Postgres>),
}

impl Link {
    /// The connection, for statements. `finish` has to be told how they went.
    pub(super) fn start(&mut self) -> Result<&mut PgConnection, Failure> {
        match self {
            Self::Ours(held) => held.start(),
            Self::Sqlx(transaction) => Ok(transaction),
        }
    }

    /// Says that the statements came to their end, whatever it was.
    pub(super) fn finish<R>(&mut self, result: &Result<R, Failure>) {
        if let Self::Ours(held) = self {
            held.finish(result);
            // It cannot go back to the others as long as the transaction is open.
            held.mark(false);
        }
    }

    /// Runs a statement that has no answer.
    pub(super) async fn execute(&mut self, sql: impl SqlSafeStr) -> Result<(), Failure> {
        match self {
            Self::Ours(held) => {
                let result = execute(held, sql).await;
                held.mark(false);
                result
            }
            Self::Sqlx(transaction) => {
                let executed = sqlx::raw_sql(sql).execute(&mut **transaction).await;
                executed.map(drop).map_err(Failure::from)
            }
        }
    }

    /// Ends the transaction, and gives the connection back to where it came from.
    pub(super) async fn end(self, end: End) -> Result<(), Failure> {
        let ended = match self {
            Self::Ours(mut held) => execute(&mut held, end.sql()).await,
            Self::Sqlx(transaction) => match end {
                End::Commit => transaction.commit().await.map_err(Failure::from),
                End::RollBack => transaction.rollback().await.map_err(Failure::from),
            },
        };
        ended.map_err(|failure| match failure {
            // To run it again could do everything twice.
            Failure::Sqlx(error) if end == End::Commit && error::is_lost(&error) => {
                Failure::from(Error::backend(
                    "the connection to PostgreSQL was lost during the commit, so the transaction \
                     may or may not have been done; look before you run it again",
                    Some(Source::from(error)),
                ))
            }
            failure => failure,
        })
    }
}

/// Runs a statement that has no answer.
pub(super) async fn execute(held: &mut Held, sql: impl SqlSafeStr) -> Result<(), Failure> {
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

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Commit,
    RollBack,
}

impl End {
    const fn sql(self) -> &'static str {
        match self {
            Self::Commit => "COMMIT",
            Self::RollBack => "ROLLBACK",
        }
    }
}
