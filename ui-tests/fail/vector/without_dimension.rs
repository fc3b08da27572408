// mistakes: 2
use storehouse::prelude::*;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(vector)]
    title: Vec<f32>,
    #[table(vector(metric = "l2"))]
    body: Vec<f32>,
}

fn main() {}
