use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(default = "tools")]
    category: String,
}

fn main() {}
