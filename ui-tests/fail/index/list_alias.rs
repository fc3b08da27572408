use storehouse::prelude::*;

type Tags = Vec<String>;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(unique)]
    tags: Tags,
}

fn main() {}
