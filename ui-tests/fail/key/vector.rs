use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, vector(dim = 3))]
    id: Vec<f32>,
}

fn main() {}
