use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, version)]
    id: i64,
}

fn main() {}
