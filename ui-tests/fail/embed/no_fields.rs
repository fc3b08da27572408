use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address {}

fn main() {}
