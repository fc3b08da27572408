use storehouse::prelude::*;

struct Attributes {
    colour: String,
}

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(json)]
    attributes: Attributes,
}

fn main() {}
