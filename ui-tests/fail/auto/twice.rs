use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    shop: i64,
    #[table(key, auto)]
    number: i64,
}

fn main() {}
