use storehouse::prelude::*;

#[derive(Table)]
#[table(index(categry, price))]
struct Product {
    #[table(key)]
    id: i64,
    category: String,
    price: f64,
}

fn main() {}
