use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    price: Option<Option<f64>>,
}

fn main() {}
