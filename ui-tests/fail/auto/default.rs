use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto, default)]
    id: i64,
}

fn main() {}
