use storehouse::prelude::*;

#[derive(TableEnum)]
#[table(intger)]
enum Level {
    Low,
}

fn main() {}
