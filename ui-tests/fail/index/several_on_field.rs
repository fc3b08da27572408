use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(index(category, price))]
    category: String,
    price: f64,
}

fn main() {}
