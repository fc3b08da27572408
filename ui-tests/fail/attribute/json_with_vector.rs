use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(vector(dim = 3), json)]
    embedding: Vec<f32>,
}

fn main() {}
