use storehouse::prelude::*;

#[derive(Table)]
struct Category {
    #[table(key)]
    id: i64,
    #[table(references(Self::id))]
    parent: Option<i64>,
    parent_reference: String,
}

fn main() {}
