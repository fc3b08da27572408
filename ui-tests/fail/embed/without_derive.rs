use storehouse::prelude::*;

struct Address {
    city: String,
}

#[derive(Table)]
struct Customer {
    #[table(key)]
    id: i64,
    #[table(embed)]
    address: Address,
    name: String,
}

fn main() {}
