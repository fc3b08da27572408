use storehouse::prelude::*;

struct Money;

#[derive(TableNewtype)]
struct Price(Money);

fn main() {}
