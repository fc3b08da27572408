use storehouse::prelude::*;

type Narrow = u8;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(version)]
    version: Narrow,
}

fn main() {}
