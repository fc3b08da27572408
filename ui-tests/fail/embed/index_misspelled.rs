use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address {
    street: String,
    city: String,
}

#[derive(Table)]
#[table(index(address.citty))]
struct Customer {
    #[table(key)]
    id: i64,
    #[table(embed)]
    address: Address,
}

fn main() {}
