use storehouse::prelude::*;

#[derive(Table)]
#[table(index(address.city))]
struct Customer {
    #[table(key)]
    id: i64,
    address: String,
}

fn main() {}
