use storehouse::prelude::*;

#[derive(Table)]
#[table(shcema = "shop")]
struct Product {
    #[table(key)]
    id: i64,
}

fn main() {}
