use storehouse::prelude::*;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(metadata)]
    source: String,
}

fn main() {}
