use storehouse::prelude::*;

#[derive(Table)]
#[table(index("category"))]
struct Product {
    #[table(key)]
    id: i64,
    category: String,
}

fn main() {}
