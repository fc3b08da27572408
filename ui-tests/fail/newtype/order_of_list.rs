// long: rustc shows the method whose bound fails, and the type
use storehouse::prelude::*;

#[derive(TableNewtype)]
struct Tags(Vec<String>);

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    tags: Tags,
}

fn main() {
    let _ = Product::TAGS.asc();
}
