use storehouse::prelude::*;

struct Price {
    cents: i64,
}

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    price: Price,
}

fn main() {}
