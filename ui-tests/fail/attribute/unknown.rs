use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(encrypted)]
    name: String,
}

fn main() {}
