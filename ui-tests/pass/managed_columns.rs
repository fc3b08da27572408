//! What managed columns leave of the structs beside the table.

use chrono::{DateTime, Utc};
use storehouse::prelude::*;

type Moment = DateTime<Utc>;

#[derive(Table, Clone)]
struct Product {
    #[table(key, auto)]
    id: i64,
    name: String,
    #[table(created_at, rename = "created")]
    created_at: Moment,
    #[table(updated_at, index)]
    updated_at: DateTime<Utc>,
    #[table(version)]
    version: u32,
    #[table(soft_delete)]
    deleted_at: Option<Moment>,
}

/// A field that is called like an attribute is managed only where that is written.
#[derive(Table)]
struct Plain {
    #[table(key)]
    version: i64,
    created_at: DateTime<Utc>,
}

async fn everything(products: Tabular<Product>) -> storehouse::Result<()> {
    let insert = ProductInsert { name: "saw".into() };
    let optional = ProductOptional { id: None, created_at: Some(Utc::now()) };
    let saw = products.put(insert.with(optional)).await?;
    products.update(&saw, ProductPatch { name: Set("axe".into()) }).await?;
    products.update(&saw.id, ProductPatch::default()).await?;
    products.delete(&saw).await?;
    products.with_deleted().query(Product::DELETED_AT.lt(Utc::now())).await?;
    products.restore(&saw.id).await?;
    products.purge(&saw).await?;
    products.purge_search(Product::VERSION.gt(7)).await?;
    Ok(())
}

fn main() {
    let _ = everything;
    let _ = PlainInsert { version: 1, created_at: Utc::now() };
}
