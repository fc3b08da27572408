use storehouse::prelude::*;

#[derive(TableEnum)]
#[table(integer)]
enum Level {
    #[table(rename = "low")]
    Low,
}

fn main() {}
