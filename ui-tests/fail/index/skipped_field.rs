use storehouse::prelude::*;

#[derive(Table)]
#[table(index(cache))]
struct Product {
    #[table(key)]
    id: i64,
    #[table(skip)]
    cache: String,
}

fn main() {}
