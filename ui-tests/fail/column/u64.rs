use storehouse::prelude::*;

#[derive(Table)]
struct File {
    #[table(key)]
    path: String,
    size: u64,
}

fn main() {}
