// mistakes: 2
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
#[table(off = Product)]
struct Card {
    #[table(rename = price)]
    costs: f64,
}

fn main() {}
