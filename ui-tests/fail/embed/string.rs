use storehouse::prelude::*;

#[derive(Table)]
struct Customer {
    #[table(key)]
    id: i64,
    #[table(embed)]
    address: String,
}

fn main() {}
