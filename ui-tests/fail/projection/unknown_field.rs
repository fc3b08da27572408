// long: rustc shows the whole struct
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
#[table(of = Product)]
struct Card {
    name: String,
    prize: f64,
}

fn main() {}
