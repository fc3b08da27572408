use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: u8,
}

fn main() {}
