use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(soft_delete)]
    name: String,
}

fn main() {}
