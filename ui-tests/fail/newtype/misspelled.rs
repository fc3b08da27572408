use storehouse::prelude::*;

#[derive(TableNewtype)]
#[table(validat = check)]
struct Price(i64);

fn main() {}
