use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address {
    #[table(key)]
    street: String,
    city: String,
}

fn main() {}
