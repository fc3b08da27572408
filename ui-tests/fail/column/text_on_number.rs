use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(text)]
    price: f64,
}

fn main() {}
