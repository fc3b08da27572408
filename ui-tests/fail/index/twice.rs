// mistakes: 2
use storehouse::prelude::*;

#[derive(Table)]
#[table(index(category))]
struct Product {
    #[table(key)]
    id: i64,
    #[table(index)]
    category: String,
    #[table(unique, index)]
    sku: String,
}

fn main() {}
