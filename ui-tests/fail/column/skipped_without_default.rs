use storehouse::prelude::*;

struct Cache;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(skip)]
    cache: Cache,
}

fn main() {}
