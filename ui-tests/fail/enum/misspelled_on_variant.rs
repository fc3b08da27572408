use storehouse::prelude::*;

#[derive(TableEnum)]
enum Level {
    #[table(renam = "low")]
    Low,
}

fn main() {}
