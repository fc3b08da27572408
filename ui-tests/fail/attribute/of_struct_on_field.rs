use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, schema = "shop")]
    id: i64,
}

fn main() {}
