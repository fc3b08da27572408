use storehouse::prelude::*;

#[derive(Table)]
#[table(columns = "the columns")]
struct Product {
    #[table(key)]
    id: i64,
}

fn main() {}
