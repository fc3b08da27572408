use storehouse::prelude::*;

type Embedding = Vec<f32>;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(vector(dim = 384, element = "f16"))]
    embedding: Embedding,
}

fn main() {}
