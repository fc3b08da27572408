// long: rustc takes thirteen lines to show a method whose bound fails
use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address {
    #[table(json)]
    tags: Vec<i32>,
}

#[derive(Table)]
#[table(index(address.tags))]
struct Customer {
    #[table(key)]
    id: i64,
    #[table(embed)]
    address: Address,
}

fn main() {}
