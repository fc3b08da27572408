use storehouse::prelude::*;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(vector(dimensions = 384))]
    embedding: Vec<f32>,
}

fn main() {}
