//! Diesel itself, which is synchronous.

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::upsert::excluded;
use tabular_postgres_common::{Result, Row, System};
use tokio::task::block_in_place;

use crate::{Item, ROWS_AT_ONCE, items, upsert};

pub struct Direct(PgConnection);

impl Direct {
    /// Calls on this thread; the slow network has its own.
    fn call<T>(&mut self, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> Result<T> {
        Ok(work(&mut self.0)?)
    }
}

impl System for Direct {
    const NAME: &'static str = "diesel-sync";
    type Item = Item;

    async fn open(url: &str) -> Result<Self> {
        Ok(Self(block_in_place(|| PgConnection::establish(url))?))
    }

    async fn get(&mut self, key: i64) -> Result<Option<Item>> {
        self.call(|connection| {
            items::table.find(key).select(Item::as_select()).first(connection).optional()
        })
    }

    /// A statement outside a transaction is a transaction.
    async fn put(&mut self, row: Row) -> Result {
        self.call(|connection| upsert!(&Item::from(row)).execute(connection))?;
        Ok(())
    }

    async fn put_bulk(&mut self, rows: Vec<Row>) -> Result {
        let items: Vec<Item> = rows.into_iter().map(Item::from).collect();
        self.call(|connection| {
            if items.len() <= ROWS_AT_ONCE {
                upsert!(&items).execute(connection)?;
                return Ok(());
            }
            connection.transaction(|connection| {
                for chunk in items.chunks(ROWS_AT_ONCE) {
                    upsert!(chunk).execute(connection)?;
                }
                Ok(())
            })
        })
    }

    async fn by_category(&mut self, category: String) -> Result<Vec<Item>> {
        self.call(|connection| {
            items::table
                .filter(items::category.eq(category))
                .select(Item::as_select())
                .load(connection)
        })
    }

    async fn all(&mut self) -> Result<Vec<Item>> {
        self.call(|connection| items::table.select(Item::as_select()).load(connection))
    }
}
