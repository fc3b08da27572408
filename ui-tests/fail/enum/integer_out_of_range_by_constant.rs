use storehouse::prelude::*;

const HIGH: u64 = u64::MAX;

#[derive(TableEnum)]
#[table(integer)]
#[repr(u64)]
enum Level {
    Low,
    High = HIGH,
}

fn main() {}
