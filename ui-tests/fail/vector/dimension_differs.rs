// mistakes: 2
use storehouse::prelude::*;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(vector(dim = 384))]
    title: [f32; 383],
    #[table(vector(dim = 2))]
    body: Option<[i8; 3]>,
}

fn main() {}
