use rust_decimal::Decimal;
use storehouse::prelude::*;

#[derive(Table)]
struct Price {
    #[table(key, auto)]
    amount: Decimal,
}

fn main() {}
