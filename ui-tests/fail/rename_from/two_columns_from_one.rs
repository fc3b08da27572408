use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(rename_from = "name")]
    title: String,
    #[table(rename_from = "name")]
    label: String,
}

fn main() {}
