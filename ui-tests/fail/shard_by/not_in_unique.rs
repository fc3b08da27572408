use storehouse::prelude::*;

#[derive(Table)]
#[table(unique(reference), shard_by(tenant))]
struct Order {
    #[table(key)]
    tenant: String,
    #[table(key)]
    number: i64,
    reference: String,
}

fn main() {}
