use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(auto)]
    id: i64,
}

fn main() {}
