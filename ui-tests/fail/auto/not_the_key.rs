use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    sku: String,
    #[table(auto)]
    number: i64,
}

fn main() {}
