//! `columns` moves the constants where they do not clash with the struct's own.

use storehouse::prelude::*;

#[derive(Table)]
#[table(columns = "ProductColumns")]
struct Product {
    #[table(key)]
    id: i64,
    price: f64,
}

impl Product {
    const PRICE: f64 = 9.5;
}

fn main() {
    let _: Filter<Product> = ProductColumns::PRICE.lt(Product::PRICE) & ProductColumns::ID.gt(3);
    let _ = ProductColumns;
}
