use storehouse::prelude::*;

type Tags = Vec<String>;

#[derive(Table)]
struct Reading {
    #[table(key)]
    id: i64,
    #[table(key)]
    tags: Tags,
}

fn main() {}
