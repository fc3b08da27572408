use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, name = "product_id")]
    id: i64,
}

fn main() {}
