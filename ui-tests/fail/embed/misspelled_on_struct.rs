use storehouse::prelude::*;

#[derive(TableEmbed)]
#[table(colums = "Addresses")]
struct Address {
    city: String,
}

fn main() {}
