use storehouse::prelude::*;

#[derive(Table)]
#[table(name = "products", rename_from = "products")]
struct Product {
    #[table(key)]
    id: i64,
}

fn main() {}
