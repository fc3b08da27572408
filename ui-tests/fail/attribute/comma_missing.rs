use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key auto)]
    id: i64,
}

fn main() {}
