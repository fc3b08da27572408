use storehouse::prelude::*;

#[derive(TableEmbed)]
enum Status {
    Draft,
}

fn main() {}
