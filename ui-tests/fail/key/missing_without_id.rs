use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    sku: String,
    name: String,
}

fn main() {}
