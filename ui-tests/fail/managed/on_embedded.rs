use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address {
    street: String,
}

#[derive(Table)]
struct Customer {
    #[table(key)]
    id: i64,
    #[table(embed, version)]
    home: Address,
}

fn main() {}
