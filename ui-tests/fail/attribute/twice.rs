// mistakes: 2
use storehouse::prelude::*;

#[derive(Table)]
#[table(name = "products")]
#[table(name = "goods")]
struct Product {
    #[table(key, key)]
    id: i64,
}

fn main() {}
