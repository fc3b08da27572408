use storehouse::prelude::*;

#[derive(Table)]
#[table(unique(weight))]
struct Product {
    #[table(key)]
    id: i64,
    category: String,
    price: f64,
}

fn main() {}
