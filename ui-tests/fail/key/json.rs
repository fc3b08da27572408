use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, json)]
    id: (i64, i64),
}

fn main() {}
