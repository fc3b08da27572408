use storehouse::prelude::*;

type Source = String;

#[derive(Table)]
struct Document {
    #[table(key)]
    id: i64,
    #[table(metadata)]
    source: Source,
}

fn main() {}
