use storehouse::prelude::*;

type Narrow = i16;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: Narrow,
}

fn main() {}
