use storehouse::prelude::*;

#[allow(non_snake_case)]
#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    unit_price: f64,
    unitPrice: f64,
}

fn main() {}
