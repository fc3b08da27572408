// long: rustc lists the types that can be embedded
use storehouse::prelude::*;

struct Place {
    latitude: f64,
}

#[derive(TableEmbed)]
struct Address {
    city: String,
    #[table(embed)]
    place: Place,
}

fn main() {}
