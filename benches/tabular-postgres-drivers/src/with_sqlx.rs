//! sqlx, as its documentation has it: `query_as` into a struct that derives `FromRow`, statements prepared once per
//! connection (the default), and many rows as arrays through `UNNEST`.

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, FromRow, PgExecutor};
use tabular_postgres_common::{POOL, Result, Row, System, sql};

use crate::Columns;

/// [`Row`], for the derive.
#[derive(FromRow)]
pub struct Item {
    id: i64,
    category: String,
    name: String,
    quantity: i64,
    price: f64,
}

impl From<Item> for Row {
    fn from(Item { id, category, name, quantity, price }: Item) -> Self {
        Self { id, category, name, quantity, price }
    }
}

#[derive(Clone)]
pub struct Pool(PgPool);

impl System for Pool {
    const NAME: &'static str = "sqlx-pool";
    type Item = Item;

    async fn open(url: &str) -> Result<Self> {
        let pool = PgPoolOptions::new().max_connections(POOL as u32).connect_with(options(url)?);
        Ok(Self(pool.await?))
    }

    async fn get(&mut self, key: i64) -> Result<Option<Item>> {
        get(&self.0, key).await
    }

    async fn put(&mut self, row: Row) -> Result {
        put(&self.0, row).await
    }

    async fn put_bulk(&mut self, rows: Vec<Row>) -> Result {
        put_bulk(&self.0, rows).await
    }

    async fn by_category(&mut self, category: String) -> Result<Vec<Item>> {
        by_category(&self.0, category).await
    }

    async fn all(&mut self) -> Result<Vec<Item>> {
        all(&self.0).await
    }
}

pub struct Connection(PgConnection);

impl System for Connection {
    const NAME: &'static str = "sqlx-connection";
    type Item = Item;

    async fn open(url: &str) -> Result<Self> {
        Ok(Self(options(url)?.connect().await?))
    }

    async fn get(&mut self, key: i64) -> Result<Option<Item>> {
        get(&mut self.0, key).await
    }

    async fn put(&mut self, row: Row) -> Result {
        put(&mut self.0, row).await
    }

    async fn put_bulk(&mut self, rows: Vec<Row>) -> Result {
        put_bulk(&mut self.0, rows).await
    }

    async fn by_category(&mut self, category: String) -> Result<Vec<Item>> {
        by_category(&mut self.0, category).await
    }

    async fn all(&mut self) -> Result<Vec<Item>> {
        all(&mut self.0).await
    }
}

fn options(url: &str) -> Result<PgConnectOptions> {
    Ok(url.parse::<PgConnectOptions>()?.disable_statement_logging())
}

async fn get(executor: impl PgExecutor<'_>, key: i64) -> Result<Option<Item>> {
    Ok(sqlx::query_as(sql::BY_KEY).bind(key).fetch_optional(executor).await?)
}

/// A statement outside a transaction is a transaction.
async fn put(executor: impl PgExecutor<'_>, row: Row) -> Result {
    sqlx::query(sql::UPSERT)
        .bind(row.id)
        .bind(row.category)
        .bind(row.name)
        .bind(row.quantity)
        .bind(row.price)
        .execute(executor)
        .await?;
    Ok(())
}

async fn put_bulk(executor: impl PgExecutor<'_>, rows: Vec<Row>) -> Result {
    let Columns { ids, categories, names, quantities, prices } = rows.into();
    sqlx::query(sql::UPSERT_UNNEST)
        .bind(ids)
        .bind(categories)
        .bind(names)
        .bind(quantities)
        .bind(prices)
        .execute(executor)
        .await?;
    Ok(())
}

async fn by_category(executor: impl PgExecutor<'_>, category: String) -> Result<Vec<Item>> {
    Ok(sqlx::query_as(sql::BY_CATEGORY).bind(category).fetch_all(executor).await?)
}

async fn all(executor: impl PgExecutor<'_>) -> Result<Vec<Item>> {
    Ok(sqlx::query_as(sql::ALL).fetch_all(executor).await?)
}
