use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    name: String,
    price: f64,
    #[table(json)]
    attributes: Vec<(String, String)>,
}

#[derive(Projection)]
struct Card {
    name: String,
}

fn main() {}
