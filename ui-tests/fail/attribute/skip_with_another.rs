use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(skip, unique)]
    cache: String,
}

fn main() {}
