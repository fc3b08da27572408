use storehouse::prelude::*;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(vector)]
    embedding: [f64; 3],
}

fn main() {}
