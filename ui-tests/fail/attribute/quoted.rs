// mistakes: 2
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table("key", auto)]
    id: i64,
    #[table(serde::rename)]
    name: String,
}

fn main() {}
