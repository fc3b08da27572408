use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address {
    size: u64,
}

fn main() {}
