// The feature `jiff` is off here.
use jiff::Timestamp;
use storehouse::prelude::*;

#[derive(Table)]
struct Visit {
    #[table(key)]
    id: i64,
    arrived: Timestamp,
}

fn main() {}
