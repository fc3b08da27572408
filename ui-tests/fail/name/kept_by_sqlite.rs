use storehouse::prelude::*;

#[derive(Table)]
#[table(name = "sqlite_products")]
struct Product {
    #[table(key)]
    id: i64,
}

fn main() {}
