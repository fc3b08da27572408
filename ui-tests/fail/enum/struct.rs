use storehouse::prelude::*;

#[derive(TableEnum)]
struct ProductId(i64);

fn main() {}
