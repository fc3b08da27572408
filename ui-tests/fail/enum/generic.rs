use storehouse::prelude::*;

#[derive(TableEnum)]
enum Status<const N: usize> {
    Draft,
}

fn main() {}
