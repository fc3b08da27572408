//! Toasty with its PostgreSQL driver.
//!
//! One system, `toasty`, with a pool of 10 connections. Toasty plans each call and makes the SQL text anew; its driver
//! keeps prepared statements.

use tabular_postgres_common::{POOL, Result, Row, Server, System, in_runtime, run_shared};
use toasty::Db;

/// Rows of one statement where rows are created.
const ROWS_AT_ONCE: usize = 100;

/// [`Row`], for the derive.
#[derive(Debug, toasty::Model)]
#[table = "items"]
struct Item {
    #[key]
    id: i64,
    #[index]
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

fn main() -> Result {
    in_runtime(async { run_shared::<Toasty>(&Server::from_env()?).await })
}

#[derive(Clone)]
struct Toasty(Db);

impl System for Toasty {
    const NAME: &'static str = "toasty";
    type Item = Item;

    async fn open(url: &str) -> Result<Self> {
        let mut builder = Db::builder();
        builder.models(toasty::models!(Item)).max_pool_size(POOL);
        Ok(Self(builder.connect(url).await?))
    }

    async fn get(&mut self, key: i64) -> Result<Option<Item>> {
        Ok(Item::filter_by_id(key).first().exec(&mut self.0).await?)
    }

    /// A statement outside a transaction is a transaction.
    async fn put(&mut self, Row { id, category, name, quantity, price }: Row) -> Result {
        Item::upsert_by_id(id)
            .category(category)
            .name(name)
            .quantity(quantity)
            .price(price)
            .exec(&mut self.0)
            .await?;
        Ok(())
    }

    /// A statement for each row: an upsert is always of one row, and `toasty::batch` takes no upserts.
    async fn put_bulk(&mut self, rows: Vec<Row>) -> Result {
        let mut transaction = self.0.transaction().await?;
        for Row { id, category, name, quantity, price } in rows {
            Item::upsert_by_id(id)
                .category(category)
                .name(name)
                .quantity(quantity)
                .price(price)
                .exec(&mut transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// New rows go in one statement for many.
    async fn put_bulk_new(&mut self, rows: Vec<Row>) -> Result {
        let mut transaction = self.0.transaction().await?;
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut creation = Item::create_many();
            for Row { id, category, name, quantity, price } in rows.by_ref().take(ROWS_AT_ONCE) {
                let item = Item::create()
                    .id(id)
                    .category(category)
                    .name(name)
                    .quantity(quantity)
                    .price(price);
                creation = creation.item(item);
            }
            creation.exec(&mut transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn by_category(&mut self, category: String) -> Result<Vec<Item>> {
        Ok(Item::filter_by_category(category).exec(&mut self.0).await?)
    }

    async fn all(&mut self) -> Result<Vec<Item>> {
        Ok(Item::all().exec(&mut self.0).await?)
    }
}
