//! Storehouse on PostgreSQL: one system, `storehouse-postgres`.
//!
//! Everything goes through the public handle of a derived table, and no option is set.

use storehouse::prelude::*;
use tabular_postgres_common::{Result, Row, Server, System, in_runtime, run_shared};

#[derive(Table, Clone, Debug)]
#[table(name = "items")]
struct Item {
    #[table(key)]
    id: i64,
    #[table(index)]
    category: String,
    name: String,
    quantity: i64,
    price: f64,
}

impl From<Row> for Item {
    fn from(row: Row) -> Self {
        let Row { id, category, name, quantity, price } = row;
        Self { id, category, name, quantity, price }
    }
}

impl From<Item> for Row {
    fn from(item: Item) -> Self {
        let Item { id, category, name, quantity, price } = item;
        Self { id, category, name, quantity, price }
    }
}

fn main() -> Result {
    in_runtime(async { run_shared::<Ours>(&Server::from_env()?).await })
}

#[derive(Clone)]
struct Ours(Tabular<Item>);

impl System for Ours {
    const NAME: &'static str = "storehouse-postgres";
    type Item = Item;

    async fn open(url: &str) -> Result<Self> {
        let items = storehouse::open(url).await?.tabular::<Item>().await?;
        // It finds the table and its index as they should be, or fails.
        items.setup_database().await?;
        Ok(Self(items))
    }

    async fn get(&mut self, key: i64) -> Result<Option<Item>> {
        Ok(self.0.get(&key).await?)
    }

    async fn put(&mut self, row: Row) -> Result {
        self.0.put(Item::from(row)).await?;
        Ok(())
    }

    async fn put_bulk(&mut self, rows: Vec<Row>) -> Result {
        self.0.put_bulk(rows.into_iter().map(Item::from)).await?;
        Ok(())
    }

    async fn by_category(&mut self, category: String) -> Result<Vec<Item>> {
        Ok(self.0.query(Item::CATEGORY.eq(category)).await?)
    }

    async fn all(&mut self) -> Result<Vec<Item>> {
        Ok(self.0.get_all().await?)
    }
}
