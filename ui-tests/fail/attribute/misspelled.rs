use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(uniqe)]
    sku: String,
}

fn main() {}
