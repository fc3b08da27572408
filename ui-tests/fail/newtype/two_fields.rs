use storehouse::prelude::*;

#[derive(TableNewtype)]
struct Price(i64, String);

fn main() {}
