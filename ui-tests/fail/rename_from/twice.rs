use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(rename_from("name", "name"))]
    title: String,
}

fn main() {}
