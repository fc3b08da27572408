use storehouse::prelude::*;

#[derive(TableEnum)]
#[table(rename_all = "snake_case")]
enum Level {
    Low,
    #[table(rename = "low")]
    High,
}

fn main() {}
