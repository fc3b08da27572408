use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, default = 1)]
    id: i64,
}

fn main() {}
