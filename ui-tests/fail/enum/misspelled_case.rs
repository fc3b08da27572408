use storehouse::prelude::*;

#[derive(TableEnum)]
#[table(rename_all = "snakecase")]
enum Level {
    Low,
}

fn main() {}
