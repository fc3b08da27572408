use storehouse::prelude::*;

#[derive(Table)]
struct Product(i64, String);

fn main() {}
