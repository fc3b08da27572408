use storehouse::prelude::*;

#[derive(Table)]
#[table(shard_by(tenant, number))]
struct Order {
    #[table(key)]
    tenant: String,
    #[table(key)]
    number: i64,
    reference: String,
}

fn main() {}
