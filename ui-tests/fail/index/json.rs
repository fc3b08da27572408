use storehouse::prelude::*;

#[derive(Table)]
#[table(index(attributes))]
struct Product {
    #[table(key)]
    id: i64,
    #[table(json)]
    attributes: Vec<(String, String)>,
}

fn main() {}
