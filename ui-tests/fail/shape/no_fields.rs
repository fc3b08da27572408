use storehouse::prelude::*;

#[derive(Table)]
struct Product {}

fn main() {}
