// mistakes: 3
use half::f16;
use storehouse::prelude::*;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(vector(dim = 384, element = "f16"))]
    title: Vec<f32>,
    #[table(vector(element = "f32"))]
    body: [i8; 384],
    #[table(vector(dim = 2, element = "i8"))]
    notes: Option<Vec<f16>>,
}

fn main() {}
