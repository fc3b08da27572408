use storehouse::prelude::*;

#[derive(Table)]
#[table(name = "")]
struct Product {
    #[table(key)]
    id: i64,
}

fn main() {}
