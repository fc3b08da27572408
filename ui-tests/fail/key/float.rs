use storehouse::prelude::*;

#[derive(Table)]
struct Reading {
    #[table(key)]
    celsius: f64,
}

fn main() {}
