use storehouse::prelude::*;

#[derive(Table)]
#[table(crate = "no path")]
struct Product {
    #[table(key)]
    id: i64,
}

fn main() {}
