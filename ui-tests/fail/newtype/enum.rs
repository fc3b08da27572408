use storehouse::prelude::*;

#[derive(TableNewtype)]
enum Status {
    Draft,
}

fn main() {}
