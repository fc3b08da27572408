use storehouse::prelude::*;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(vector(dim = 384))]
    embedding: Vec<f64>,
}

fn main() {}
