use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(index)]
    tags: Vec<String>,
}

fn main() {}
