// mistakes: 3
use storehouse::prelude::*;

#[derive(Table)]
#[table(name = "my products", schema = "1st")]
struct Product {
    #[table(key, rename = "product-id")]
    id: i64,
}

fn main() {}
