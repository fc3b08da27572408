use storehouse::prelude::*;

#[derive(TableEnum)]
enum Status {}

fn main() {}
