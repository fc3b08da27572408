use storehouse::prelude::*;

#[derive(TableNewtype)]
struct Id<T>(T);

fn main() {}
