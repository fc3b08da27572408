use storehouse::prelude::*;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(vector(dim = 384, metric = "euclid"))]
    embedding: Vec<f32>,
}

fn main() {}
