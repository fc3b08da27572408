use storehouse::prelude::*;

#[derive(Table)]
#[table(unique(category, price, category))]
struct Product {
    #[table(key)]
    id: i64,
    category: String,
    price: f64,
}

fn main() {}
