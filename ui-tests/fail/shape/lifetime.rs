use storehouse::prelude::*;

#[derive(Table)]
struct Product<'a> {
    #[table(key)]
    id: i64,
    name: &'a str,
}

fn main() {}
