use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(renamed_from = "name")]
    title: String,
}

fn main() {}
