//! diesel-async, with the pool that its documentation has first.

use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use tabular_postgres_common::{POOL, Result, Row, System};

use crate::{Item, ROWS_AT_ONCE, items, upsert};

#[derive(Clone)]
pub struct Pool(deadpool::Pool<AsyncPgConnection>);

impl System for Pool {
    const NAME: &'static str = "diesel-async";
    type Item = Item;

    async fn open(url: &str) -> Result<Self> {
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
        Ok(Self(deadpool::Pool::builder(manager).max_size(POOL).build()?))
    }

    async fn get(&mut self, key: i64) -> Result<Option<Item>> {
        let mut connection = self.0.get().await?;
        let query = items::table.find(key).select(Item::as_select());
        Ok(query.first(&mut connection).await.optional()?)
    }

    /// A statement outside a transaction is a transaction.
    async fn put(&mut self, row: Row) -> Result {
        let mut connection = self.0.get().await?;
        upsert!(&Item::from(row)).execute(&mut connection).await?;
        Ok(())
    }

    async fn put_bulk(&mut self, rows: Vec<Row>) -> Result {
        let items: Vec<Item> = rows.into_iter().map(Item::from).collect();
        let mut connection = self.0.get().await?;
        if items.len() <= ROWS_AT_ONCE {
            upsert!(&items).execute(&mut connection).await?;
            return Ok(());
        }
        connection
            .transaction(async |connection| {
                for chunk in items.chunks(ROWS_AT_ONCE) {
                    upsert!(chunk).execute(connection).await?;
                }
                QueryResult::Ok(())
            })
            .await?;
        Ok(())
    }

    async fn by_category(&mut self, category: String) -> Result<Vec<Item>> {
        let mut connection = self.0.get().await?;
        let query = items::table.filter(items::category.eq(category)).select(Item::as_select());
        Ok(query.load(&mut connection).await?)
    }

    async fn all(&mut self) -> Result<Vec<Item>> {
        let mut connection = self.0.get().await?;
        Ok(items::table.select(Item::as_select()).load(&mut connection).await?)
    }
}
