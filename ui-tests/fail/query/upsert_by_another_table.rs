// long: rustc shows the method, and what else the column is of
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(unique)]
    sku: String,
}

#[derive(Table)]
struct Order {
    #[table(key)]
    id: i64,
}

async fn store(products: Tabular<Product>, product: Product) -> storehouse::Result<Product> {
    products.upsert_by(Order::ID, product).await
}

fn main() {
    let _ = store;
}
