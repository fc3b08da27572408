use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    title: String,
    #[table(rename = "Title")]
    headline: String,
}

fn main() {}
