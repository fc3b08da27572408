use storehouse::prelude::*;

#[derive(Table)]
#[table(rename_from())]
struct Product {
    #[table(key)]
    id: i64,
}

fn main() {}
