use storehouse::prelude::*;

#[derive(Table)]
struct Tags {
    #[table(key)]
    tags: Vec<String>,
}

fn main() {}
