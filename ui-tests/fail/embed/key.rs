use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Position {
    order: i64,
    line: i32,
}

#[derive(Table)]
struct Line {
    #[table(key, embed)]
    position: Position,
    sku: String,
}

fn main() {}
