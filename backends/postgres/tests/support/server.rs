//! What a test sees and does on the server, besides the backend.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};
use storehouse_test_postgres::Database;

use super::{Opened, PostgresOptions};

/// Marks the backend's connections, so that those of the test are left alone.
const NAME: &str = "tested";

/// Opens a database so that its connections can be told from others.
pub async fn open_marked(
    database: &Database,
    options: impl FnOnce(PostgresOptions) -> PostgresOptions,
) -> Opened {
    Opened::open(&format!("{}?application_name={NAME}", database.url()), options).await.unwrap()
}

/// The server, as a superuser sees it.
pub struct Watcher(PgConnection);

impl Watcher {
    pub async fn new(database: &Database) -> Self {
        Self(database.connect().await)
    }

    /// Ends every connection that the backend has now, whatever it does, and waits until they are
    /// gone.
    pub async fn end_connections(&mut self) {
        let ended: Vec<i32> = self.tell("pg_terminate_backend").await;
        let ended = format!("pid = ANY('{{{}}}')", join(&ended));
        while self.count(&ended).await > 0 {
            pause().await;
        }
    }

    /// Cancels every statement of the backend.
    pub async fn cancel_statements(&mut self) {
        self.tell("pg_cancel_backend").await;
    }

    /// Waits until so many of the backend's connections wait for a lock.
    pub async fn wait_for_waiting(&mut self, connections: i64) {
        while self.count("wait_event_type = 'Lock'").await < connections {
            pause().await;
        }
    }

    /// Waits until the server has ended the backend's open transactions by itself.
    pub async fn wait_for_end_of_transactions(&mut self) {
        while self.count("state = 'idle in transaction'").await > 0 {
            pause().await;
        }
    }

    async fn tell(&mut self, function: &str) -> Vec<i32> {
        // Those first that are meant: a condition beside them could be asked of others too.
        let sql = format!(
            "WITH ours AS MATERIALIZED (SELECT pid FROM pg_stat_activity \
             WHERE application_name = '{NAME}' AND datname = current_database()) \
             SELECT pid FROM ours WHERE {function}(pid)"
        );
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.0).await.unwrap()
    }

    async fn count(&mut self, condition: &str) -> i64 {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity \
             WHERE application_name = '{NAME}' AND datname = current_database() AND {condition}"
        );
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.0).await.unwrap()
    }
}

fn join(numbers: &[i32]) -> String {
    numbers.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}
