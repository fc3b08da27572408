use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    id: i64,
    name: String,
}

fn main() {}
