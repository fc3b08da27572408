use storehouse::prelude::*;

#[derive(TableNewtype)]
struct Price(u64);

fn main() {}
