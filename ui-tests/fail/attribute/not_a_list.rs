use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table]
    id: i64,
    #[table(key)]
    sku: String,
}

fn main() {}
