use storehouse::prelude::*;

#[derive(Table)]
#[table(index())]
struct Product {
    #[table(key)]
    id: i64,
}

fn main() {}
