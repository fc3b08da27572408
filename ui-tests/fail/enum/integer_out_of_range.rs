use storehouse::prelude::*;

#[derive(TableEnum)]
#[table(integer)]
#[repr(u64)]
enum Level {
    Low,
    High = 9_223_372_036_854_775_808,
}

fn main() {}
