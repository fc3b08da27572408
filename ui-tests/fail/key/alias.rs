use storehouse::prelude::*;

type Celsius = f64;

#[derive(Table)]
struct Reading {
    #[table(key)]
    celsius: Celsius,
}

fn main() {}
