use storehouse::prelude::*;

#[derive(TableEnum)]
union Either {
    number: i64,
    float: f64,
}

fn main() {}
