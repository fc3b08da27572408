use storehouse::prelude::*;

#[derive(TableNewtype)]
struct Price(#[table(index)] i64);

fn main() {}
