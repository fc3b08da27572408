use storehouse::prelude::*;

#[derive(TableEnum)]
enum Status {
    Draft,
    Retired { since: i32 },
}

fn main() {}
