use storehouse::prelude::*;

type Price = f64;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(text)]
    price: Price,
}

fn main() {}
