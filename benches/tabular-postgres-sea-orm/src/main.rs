//! SeaORM with its sqlx driver: entities, `find_by_id`, `insert` with `on_conflict`.
//!
//! One system, `sea-orm`, with a pool of 10 connections. Statements are prepared once per connection, as sqlx does by
//! default; SeaORM makes their text anew for each call.

mod item;

use sea_orm::{
    ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, EntityTrait,
    QueryFilter, TransactionTrait,
};
use tabular_postgres_common::{POOL, Result, Row, Server, System, in_runtime, run_shared};

/// Rows of one statement in a bulk write; a statement has 65,535 parameters at most.
const ROWS_AT_ONCE: usize = 1_000;

fn main() -> Result {
    in_runtime(async { run_shared::<SeaOrm>(&Server::from_env()?).await })
}

#[derive(Clone)]
struct SeaOrm(DatabaseConnection);

impl System for SeaOrm {
    const NAME: &'static str = "sea-orm";
    type Item = item::Model;

    async fn open(url: &str) -> Result<Self> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(POOL as u32).sqlx_logging(false);
        Ok(Self(Database::connect(options).await?))
    }

    async fn get(&mut self, key: i64) -> Result<Option<item::Model>> {
        Ok(item::Entity::find_by_id(key).one(&self.0).await?)
    }

    /// A statement outside a transaction is a transaction.
    async fn put(&mut self, row: Row) -> Result {
        let insert =
            item::Entity::insert(item::ActiveModel::from(row)).on_conflict(item::replace());
        insert.exec_without_returning(&self.0).await?;
        Ok(())
    }

    async fn put_bulk(&mut self, rows: Vec<Row>) -> Result {
        if rows.len() <= ROWS_AT_ONCE {
            return put_many(&self.0, rows).await;
        }
        let transaction = self.0.begin().await?;
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            put_many(&transaction, rows.by_ref().take(ROWS_AT_ONCE)).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn by_category(&mut self, category: String) -> Result<Vec<item::Model>> {
        Ok(item::Entity::find().filter(item::Column::Category.eq(category)).all(&self.0).await?)
    }

    async fn all(&mut self) -> Result<Vec<item::Model>> {
        Ok(item::Entity::find().all(&self.0).await?)
    }
}

async fn put_many(
    connection: &impl ConnectionTrait,
    rows: impl IntoIterator<Item = Row>,
) -> Result {
    let models = rows.into_iter().map(item::ActiveModel::from);
    let insert = item::Entity::insert_many(models).on_conflict(item::replace());
    insert.exec_without_returning(connection).await?;
    Ok(())
}
