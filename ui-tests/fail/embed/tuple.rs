use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address(String, String);

fn main() {}
