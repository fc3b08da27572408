use storehouse::prelude::*;

#[derive(TableNewtype)]
struct Price(Option<i64>);

fn main() {}
