use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, unique)]
    id: i64,
}

fn main() {}
