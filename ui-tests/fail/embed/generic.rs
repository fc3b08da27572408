use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address<T> {
    city: T,
}

fn main() {}
