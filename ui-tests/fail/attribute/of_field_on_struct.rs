use storehouse::prelude::*;

#[derive(Table)]
#[table(key)]
struct Product {
    #[table(key)]
    id: i64,
}

fn main() {}
