// long: rustc shows the bound, and where to write the derive
use storehouse::prelude::*;

#[derive(TableEnum)]
enum Status {
    Draft,
}

#[derive(Table)]
struct Text {
    #[table(key)]
    status: Status,
    text: String,
}

fn main() {}
