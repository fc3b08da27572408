use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: Option<i64>,
}

fn main() {}
