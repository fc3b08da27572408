use storehouse::prelude::*;

#[derive(TableNewtype)]
struct Price;

fn main() {}
