use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key = true)]
    id: i64,
}

fn main() {}
