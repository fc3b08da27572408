use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address {
    street: String,
    #[table(index)]
    city: String,
}

fn main() {}
