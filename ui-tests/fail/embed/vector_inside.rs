use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Content {
    #[table(vector(dim = 3))]
    embedding: Vec<f32>,
}

fn main() {}
