use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address {
    street: String,
    city: String,
}

#[derive(Table)]
struct Customer {
    #[table(key)]
    id: i64,
    address: Address,
}

fn main() {}
