use storehouse::prelude::*;

enum Status {
    Active,
    Retired,
}

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    status: Option<Status>,
}

fn main() {}
