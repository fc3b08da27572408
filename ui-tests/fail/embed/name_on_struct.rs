use storehouse::prelude::*;

#[derive(TableEmbed)]
#[table(name = "addresses")]
struct Address {
    city: String,
}

fn main() {}
