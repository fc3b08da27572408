use storehouse::prelude::*;

#[derive(Table)]
#[table(name = products)]
struct Product {
    #[table(key)]
    id: i64,
}

fn main() {}
