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
    #[table(embed(prefx = "home_"))]
    home: Address,
}

fn main() {}
