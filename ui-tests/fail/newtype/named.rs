use storehouse::prelude::*;

#[derive(TableNewtype)]
struct Price {
    cents: i64,
}

fn main() {}
