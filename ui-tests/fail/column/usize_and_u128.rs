// mistakes: 2
use storehouse::prelude::*;

#[derive(Table)]
struct File {
    #[table(key)]
    path: String,
    lines: usize,
    checksum: Option<u128>,
}

fn main() {}
