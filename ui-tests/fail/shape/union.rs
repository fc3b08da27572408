use storehouse::prelude::*;

#[derive(Table)]
union Product {
    id: i64,
    number: f64,
}

fn main() {}
