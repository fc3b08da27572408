use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    name: String,
    #[table(rename_from = "name")]
    title: String,
}

fn main() {}
