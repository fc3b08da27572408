use storehouse::prelude::*;

type Embedding = [f32; 3];

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(vector(dim = 4))]
    embedding: Embedding,
}

fn main() {}
