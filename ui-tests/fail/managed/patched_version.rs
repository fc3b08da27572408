use chrono::{DateTime, Utc};
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    name: String,
    #[table(created_at)]
    created: DateTime<Utc>,
    #[table(updated_at)]
    updated: DateTime<Utc>,
    #[table(version)]
    version: i64,
    #[table(soft_delete)]
    deleted: Option<DateTime<Utc>>,
}

async fn query(products: &Tabular<Product>) -> storehouse::Result<()> {
    products.update(&7, ProductPatch { version: Set(8), ..Default::default() }).await?;
    Ok(())
}

fn main() {}
