use storehouse::prelude::*;

type Embedding = Vec<String>;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(vector(dim = 384))]
    embedding: Embedding,
}

fn main() {}
