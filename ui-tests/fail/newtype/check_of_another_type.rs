// long: rustc shows the function, too
use storehouse::prelude::*;

#[derive(TableNewtype)]
#[table(validate = check)]
struct Price(i64);

fn check(_: &str) -> Result<(), String> {
    Ok(())
}

fn main() {}
