use storehouse::prelude::*;

#[derive(TableNewtype)]
union Either {
    number: i64,
    float: f64,
}

fn main() {}
