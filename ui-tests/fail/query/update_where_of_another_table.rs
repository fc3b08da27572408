// long: rustc explains the first of two arguments

use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    price: f64,
}

#[derive(Table)]
struct Order {
    #[table(key)]
    id: i64,
}

async fn raise(products: Tabular<Product>) -> storehouse::Result<u64> {
    let patch = ProductPatch { price: increment(0.5) };
    products.update_where(Order::ID.eq(1), patch).await
}

fn main() {
    let _ = raise;
}
